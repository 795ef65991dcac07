namespace HyperActors.Dht;

/// <summary>Whether requests are answered, over the last four ticks in which there were some.</summary>
internal sealed class NetworkHealth
{
    private const int Window = 4;
    private const int OfflineTicks = 2;
    private const int IdleThreshold = 4;

    private readonly Snapshot[] _window = new Snapshot[Window];
    private int _count;
    private int _head = -1;
    private int _offline;
    private int _degraded;
    private int _healthy;

    public bool IsOnline { get; private set; } = true;

    public bool IsDegraded { get; private set; }

    public void Reset()
    {
        (_count, _head, _offline, _degraded, _healthy) = (0, -1, 0, 0, 0);
        Array.Clear(_window);
        (IsOnline, IsDegraded) = (true, false);
    }

    /// <summary>One tick, with the sums of all answers and timeouts so far.</summary>
    /// <returns>False when it says nothing about the network.</returns>
    public bool Update(long responses, long timeouts)
    {
        Snapshot previous = _head < 0 ? default : _window[_head];
        _head = (_head + 1) % Window;
        _degraded -= _window[_head].IsJudged && _window[_head].IsDegraded ? 1 : 0;
        _healthy -= _window[_head].IsJudged && !_window[_head].IsDegraded ? 1 : 0;
        _window[_head] = new Snapshot { Responses = responses, Timeouts = timeouts };
        _count = Math.Min(_count + 1, Window);
        long answered = responses - previous.Responses;
        long missed = timeouts - previous.Timeouts;
        if (_count < Window || answered + missed < IdleThreshold)
        {
            return false;
        }

        bool isOffline = answered == 0;
        bool isDegraded = !isOffline && missed > answered;
        _window[_head].IsJudged = !isOffline;
        _window[_head].IsDegraded = isDegraded;
        if (isOffline)
        {
            _offline++;
            IsOnline = IsOnline && _offline < OfflineTicks;
        }
        else
        {
            _offline = 0;
            _degraded += isDegraded ? 1 : 0;
            _healthy += isDegraded ? 0 : 1;
            IsOnline = true;
        }

        IsDegraded = IsOnline && _healthy != Window && (IsDegraded || _degraded == Window);
        return true;
    }

    private struct Snapshot
    {
        public long Responses;
        public long Timeouts;
        public bool IsJudged;
        public bool IsDegraded;
    }
}
