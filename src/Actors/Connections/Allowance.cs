namespace HyperActors.Actors;

/// <summary>How many bytes may be moved: so many a second, shared by all who ask. Any thread.</summary>
/// <remarks>
/// Whoever moves bytes says so afterwards, and waits until they are paid for: what is moved at a time is never cut, so the
/// rate is kept over time and not at every moment. What was not used is kept for a quarter of a second.
/// </remarks>
internal sealed class Allowance
{
    private const double MaxSaved = 0.25;

    // A new rate is heard of no later than that.
    private static readonly TimeSpan _maxWait = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private long _bytesPerSecond;
    private double _left;
    private TimeSpan _at;

    /// <summary>Bytes a second; 0 for as many as there are. A new rate holds from now on.</summary>
    public long BytesPerSecond
    {
        get => Volatile.Read(ref _bytesPerSecond);
        set
        {
            lock (_gate)
            {
                _left = Math.Max(0, _left);
                Volatile.Write(ref _bytesPerSecond, Math.Max(0, value));
            }
        }
    }

    /// <summary>How long to wait before anything is moved, or to ask again; zero to go on.</summary>
    public TimeSpan WaitAt(TimeSpan now)
    {
        if (BytesPerSecond == 0)
        {
            return TimeSpan.Zero;
        }

        lock (_gate)
        {
            Earn(now);
            if (_left >= 0 || _bytesPerSecond == 0)
            {
                return TimeSpan.Zero;
            }

            double seconds = Math.Min(-_left / _bytesPerSecond, _maxWait.TotalSeconds);
            return TimeSpan.FromSeconds(seconds) + TimeSpan.FromMilliseconds(1);
        }
    }

    /// <summary>So many bytes were moved.</summary>
    public void Charge(int count, TimeSpan now)
    {
        if (BytesPerSecond == 0)
        {
            return;
        }

        lock (_gate)
        {
            Earn(now);
            _left -= count;
        }
    }

    private void Earn(TimeSpan now)
    {
        if (now > _at)
        {
            _left = Math.Min(_left + ((now - _at).TotalSeconds * _bytesPerSecond), MaxSaved * _bytesPerSecond);
            _at = now;
        }
    }
}
