namespace HyperActors.Udx.Congestion;

/// <summary>CUBIC: the window grows along a cubic curve around the size at which it last lost (RFC 9438).</summary>
internal sealed class Cubic(int initialWindow, int packetSize) : ICongestionController
{
    private const double Beta = 0.7;
    private const double Scale = 0.4;
    private const int MinWindow = 2;
    private const double SlowStartGain = 2;
    private const double AvoidanceGain = 1.25;

    private double _window = initialWindow;
    private double _threshold = double.PositiveInfinity;
    private double _maxWindow;
    private double _friendlyWindow;
    private double _inflection;
    private TimeSpan? _epoch;
    private LossPhase _phase;

    /// <inheritdoc/>
    public int Window => (int)_window;

    /// <inheritdoc/>
    public double PacingRate { get; private set; } = initialWindow * packetSize / 0.001;

    /// <inheritdoc/>
    public void HandleTransmitStart(bool isAppLimited, TimeSpan now)
    {
        // The curve follows time spent sending: a pause must not count as growth.
        _epoch = null;
    }

    /// <inheritdoc/>
    public bool HandleAck(in AckSample ack)
    {
        if (ack.Phase == LossPhase.Recovery && _phase == LossPhase.Open)
        {
            BackOff();
        }

        _phase = ack.Phase;
        bool isFilled = ack.InFlight + ack.Acked >= Window / 2;
        if (_phase != LossPhase.Recovery && isFilled)
        {
            Grow(ack);
        }

        if (ack.SmoothedRoundTrip > TimeSpan.Zero)
        {
            double gain = _window < _threshold ? SlowStartGain : AvoidanceGain;
            PacingRate = gain * Math.Max(MinWindow, _window) * ack.PacketSize / ack.SmoothedRoundTrip.TotalSeconds;
        }

        return false;
    }

    /// <inheritdoc/>
    public void HandleTimeout(int inFlight)
    {
        if (_phase != LossPhase.Timeout)
        {
            BackOff();
        }

        _phase = LossPhase.Timeout;
        _window = Math.Max(1, inFlight + 1);
    }

    private void BackOff()
    {
        // A flow that lost before it regained its size yields room to the newcomer (fast convergence).
        _maxWindow = _window < _maxWindow ? _window * (1 + Beta) / 2 : _window;
        _window = Math.Max(MinWindow, _window * Beta);
        _threshold = _window;
        _epoch = null;
    }

    private void Grow(in AckSample ack)
    {
        if (_window < _threshold)
        {
            _window += ack.Acked;
            return;
        }

        if (_epoch is null)
        {
            _epoch = ack.Now;
            _friendlyWindow = _window;
            _maxWindow = Math.Max(_maxWindow, _window);
            _inflection = Math.Cbrt((_maxWindow - _window) / Scale);
        }

        double elapsed = (ack.Now - _epoch.Value + ack.SmoothedRoundTrip).TotalSeconds - _inflection;
        double target = Math.Clamp((Scale * elapsed * elapsed * elapsed) + _maxWindow, _window, _window * 1.5);

        // Where a Reno flow would be faster, be as fast as it.
        _friendlyWindow += ack.Acked * (3 * (1 - Beta) / (1 + Beta)) / _window;
        _window = _friendlyWindow > target
            ? Math.Max(_window, _friendlyWindow)
            : _window + ((target - _window) * ack.Acked / _window);
    }
}
