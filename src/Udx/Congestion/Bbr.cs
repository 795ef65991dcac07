namespace HyperActors.Udx.Congestion;

/// <summary>BBR version 1: sends at the bandwidth that the path delivered lately, and keeps one to two bandwidth-delay
/// products under way (draft-cardwell-iccrg-bbr-congestion-control-00).</summary>
/// <remarks>
/// <para>States: <b>Startup</b> doubles each round until bandwidth stops growing; <b>Drain</b> empties the queue that built up;
/// <b>ProbeBandwidth</b> cycles around the estimate; <b>ProbeRoundTrip</b> runs nearly dry for a moment, so that the least
/// round trip becomes visible again.</para>
/// <para>Bandwidth is in packets per second, windows are in packets.</para>
/// </remarks>
internal sealed class Bbr : ICongestionController
{
    private const double StartupGain = 2.88539;
    private const double DrainGain = 1 / StartupGain;
    private const double CruiseWindowGain = 2;
    private const double PacingMargin = 0.99;
    private const int MinWindow = 4;
    private const int BandwidthRounds = 10;
    private const int FullPipeRounds = 3;
    private const double FullPipeGrowth = 1.25;
    private const int AggregationRounds = 5;

    private static readonly double[] _cycle = [1.25, 0.75, 1, 1, 1, 1, 1, 1];
    private static readonly TimeSpan _minRoundTripAge = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan _probeRoundTripTime = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan _maxAggregation = TimeSpan.FromMilliseconds(100);

    private State _state;
    private double _pacingGain = StartupGain;
    private double _windowGain = StartupGain;
    private int _packetSize;

    private WindowedFilter _bandwidth = new(0);
    private TimeSpan _minRoundTrip = TimeSpan.MaxValue;
    private TimeSpan _minRoundTripAt;
    private bool _hasRoundTrip;

    private long _rounds;
    private long _roundEnd;
    private bool _isRoundStart;

    private double _fullBandwidth;
    private int _fullRounds;
    private bool _isPipeFull;

    private int _cycleIndex;
    private TimeSpan _cycleAt;

    private TimeSpan? _probeDoneAt;
    private bool _probeRoundDone;
    private bool _isIdleRestart;

    private int _priorWindow;
    private LossPhase _phase;
    private bool _conservesPackets;

    private TimeSpan _aggregationAt;
    private long _aggregated;
    private int _aggregationRounds;
    private int _aggregationIndex;
    private (int First, int Second) _extraAcked;

    /// <summary>A controller for a stream that starts now.</summary>
    /// <param name="initialWindow">Packets of the first flight.</param>
    /// <param name="packetSize">Payload of a full packet.</param>
    /// <param name="spread">Where in the probing cycle to begin: flows that start together must not probe together.</param>
    /// <param name="now">The time it is.</param>
    public Bbr(int initialWindow, int packetSize, uint spread, TimeSpan now)
    {
        Window = initialWindow;
        _packetSize = packetSize;
        _minRoundTripAt = _aggregationAt = now;

        // Any phase but the draining one.
        _cycleIndex = (int)(spread % 7);
        _cycleIndex = _cycleIndex >= 1 ? _cycleIndex + 1 : 0;

        // Without a round trip, a millisecond is taken: the first flight leaves at once.
        PacingRate = ToPacingRate(initialWindow / 0.001, StartupGain);
    }

    private enum State
    {
        Startup,
        Drain,
        ProbeBandwidth,
        ProbeRoundTrip,
    }

    /// <inheritdoc/>
    public int Window { get; private set; }

    /// <inheritdoc/>
    public double PacingRate { get; private set; }

    /// <inheritdoc/>
    public void HandleTransmitStart(bool isAppLimited, TimeSpan now)
    {
        if (!isAppLimited)
        {
            return;
        }

        _isIdleRestart = true;
        _aggregationAt = now;
        _aggregated = 0;
        if (_state == State.ProbeBandwidth)
        {
            SetPacingRate(1);
        }
        else if (_state == State.ProbeRoundTrip)
        {
            LeaveProbeRoundTripWhenDone(now);
        }
    }

    /// <inheritdoc/>
    public bool HandleAck(in AckSample ack)
    {
        _packetSize = ack.PacketSize;
        UpdateBandwidth(ack);
        UpdateAggregation(ack);
        UpdateCycle(ack);
        UpdateFullPipe(ack);
        UpdateDrain(ack);
        bool holdsBack = UpdateMinRoundTrip(ack);
        (_pacingGain, _windowGain) = _state switch
        {
            State.Startup => (StartupGain, StartupGain),
            State.Drain => (DrainGain, StartupGain),
            State.ProbeBandwidth => (_cycle[_cycleIndex], CruiseWindowGain),
            _ => (1.0, 1.0),
        };

        if (!_hasRoundTrip && ack.SmoothedRoundTrip > TimeSpan.Zero)
        {
            _hasRoundTrip = true;
            PacingRate = ToPacingRate(Window / ack.SmoothedRoundTrip.TotalSeconds, StartupGain);
        }

        SetPacingRate(_pacingGain);
        SetWindow(ack);
        return holdsBack;
    }

    /// <inheritdoc/>
    public void HandleTimeout(int inFlight)
    {
        SaveWindow();
        _phase = LossPhase.Timeout;
        _fullBandwidth = 0;
        _isRoundStart = true;
        _conservesPackets = false;
        Window = inFlight + 1;
    }

    private double ToPacingRate(double bandwidth, double gain) =>
        Math.Max(1000, bandwidth * _packetSize * gain * PacingMargin);

    private void SetPacingRate(double gain)
    {
        double rate = ToPacingRate(_bandwidth.Best, gain);

        // Until the pipe is full an estimate is only a lower bound.
        if (_isPipeFull || rate > PacingRate)
        {
            PacingRate = rate;
        }
    }

    private void UpdateBandwidth(in AckSample ack)
    {
        _isRoundStart = false;
        if (!ack.Rate.IsValid)
        {
            return;
        }

        if (ack.Rate.PriorDelivered >= _roundEnd)
        {
            _roundEnd = ack.Delivered;
            _rounds++;
            _isRoundStart = true;
            _conservesPackets = false;
        }

        double rate = ack.Rate.Rate;
        if (!ack.Rate.IsAppLimited || rate >= _bandwidth.Best)
        {
            _bandwidth.AddMax(rate, _rounds, BandwidthRounds);
        }
    }

    // How much more than the bandwidth predicts is acknowledged at once: a window without it would starve while the
    // acknowledgements are held up.
    private void UpdateAggregation(in AckSample ack)
    {
        if (!ack.Rate.IsValid || ack.Acked == 0)
        {
            return;
        }

        if (_isRoundStart && ++_aggregationRounds >= AggregationRounds)
        {
            _aggregationRounds = 0;
            _aggregationIndex ^= 1;
            SetExtraAcked(0);
        }

        double expected = _bandwidth.Best * (ack.Now - _aggregationAt).TotalSeconds;
        if (_aggregated <= expected)
        {
            _aggregated = 0;
            _aggregationAt = ack.Now;
            expected = 0;
        }

        _aggregated += ack.Acked;
        int extra = (int)Math.Min(_aggregated - expected, Window);
        if (extra > (_aggregationIndex == 0 ? _extraAcked.First : _extraAcked.Second))
        {
            SetExtraAcked(extra);
        }
    }

    private void SetExtraAcked(int value) => _extraAcked =
        _aggregationIndex == 0 ? (value, _extraAcked.Second) : (_extraAcked.First, value);

    private void UpdateCycle(in AckSample ack)
    {
        if (_state != State.ProbeBandwidth)
        {
            return;
        }

        double gain = _cycle[_cycleIndex];
        bool isFullLength = ack.Now - _cycleAt > _minRoundTrip;
        bool isNext = gain switch
        {
            > 1 => isFullLength && (ack.Lost > 0 || ack.InFlight >= ToWindow(gain)),
            < 1 => isFullLength || ack.InFlight <= ToWindow(1),
            _ => isFullLength,
        };
        if (isNext)
        {
            AdvanceCycle(ack.Now);
        }
    }

    private void AdvanceCycle(TimeSpan now)
    {
        _cycleIndex = (_cycleIndex + 1) % _cycle.Length;
        _cycleAt = now;
    }

    private void UpdateFullPipe(in AckSample ack)
    {
        if (_isPipeFull || !_isRoundStart || ack.Rate.IsAppLimited)
        {
            return;
        }

        if (_bandwidth.Best >= _fullBandwidth * FullPipeGrowth)
        {
            _fullBandwidth = _bandwidth.Best;
            _fullRounds = 0;
            return;
        }

        _isPipeFull = ++_fullRounds >= FullPipeRounds;
    }

    private void UpdateDrain(in AckSample ack)
    {
        if (_state == State.Startup && _isPipeFull)
        {
            _state = State.Drain;
        }

        if (_state == State.Drain && ack.InFlight <= ToWindow(1))
        {
            _state = State.ProbeBandwidth;
            AdvanceCycle(ack.Now);
        }
    }

    private bool UpdateMinRoundTrip(in AckSample ack)
    {
        bool isExpired = ack.Now > _minRoundTripAt + _minRoundTripAge;
        if (ack.RoundTrip is { } roundTrip && (roundTrip <= _minRoundTrip || isExpired))
        {
            _minRoundTrip = roundTrip;
            _minRoundTripAt = ack.Now;
        }

        if (isExpired && !_isIdleRestart && _state != State.ProbeRoundTrip)
        {
            SaveWindow();
            _state = State.ProbeRoundTrip;
            _probeDoneAt = null;
        }

        bool isProbing = _state == State.ProbeRoundTrip;
        if (isProbing)
        {
            ProbeRoundTrip(ack);
        }

        if (ack.Rate.IsValid)
        {
            _isIdleRestart = false;
        }

        return isProbing;
    }

    private void ProbeRoundTrip(in AckSample ack)
    {
        if (_probeDoneAt is null)
        {
            if (ack.InFlight <= MinWindow)
            {
                _probeDoneAt = ack.Now + _probeRoundTripTime;
                _probeRoundDone = false;
                _roundEnd = ack.Delivered;
            }

            return;
        }

        _probeRoundDone |= _isRoundStart;
        if (_probeRoundDone)
        {
            LeaveProbeRoundTripWhenDone(ack.Now);
        }
    }

    private void LeaveProbeRoundTripWhenDone(TimeSpan now)
    {
        if (_probeDoneAt is not { } done || now <= done)
        {
            return;
        }

        _minRoundTripAt = now;
        Window = Math.Max(Window, _priorWindow);
        _state = _isPipeFull ? State.ProbeBandwidth : State.Startup;
        if (_isPipeFull)
        {
            AdvanceCycle(now);
        }
    }

    private void SaveWindow() => _priorWindow = _phase == LossPhase.Open && _state != State.ProbeRoundTrip
        ? Window
        : Math.Max(_priorWindow, Window);

    private int ToWindow(double gain) => _minRoundTrip == TimeSpan.MaxValue
        ? 10
        : (int)Math.Min(int.MaxValue / 4, _bandwidth.Best * _minRoundTrip.TotalSeconds * gain);

    private void SetWindow(in AckSample ack)
    {
        if (ack.Acked > 0 && !RecoverOrRestore(ack))
        {
            int target = ToWindow(_windowGain) + AggregationAllowance();
            if (_isPipeFull)
            {
                Window = Math.Min(Window + ack.Acked, target);
            }
            else if (Window < target || ack.Delivered < 10)
            {
                Window += ack.Acked;
            }

            Window = Math.Max(Window, MinWindow);
        }

        if (_state == State.ProbeRoundTrip)
        {
            Window = Math.Min(Window, MinWindow);
        }
    }

    private int AggregationAllowance() => !_isPipeFull
        ? 0
        : (int)Math.Min(
            Math.Max(_extraAcked.First, _extraAcked.Second), _bandwidth.Best * _maxAggregation.TotalSeconds);

    /// <summary>The window around a loss: for a round no more leaves than arrived, and afterwards all is as it was.</summary>
    private bool RecoverOrRestore(in AckSample ack)
    {
        LossPhase previous = _phase;
        if (ack.Phase == LossPhase.Recovery && previous != LossPhase.Recovery)
        {
            SaveWindow();
        }

        // What was just found lost will be repeated: until then its place stays taken.
        int underWay = ack.InFlight + ack.Lost;
        _phase = ack.Phase;
        Window = Math.Max(1, Window - ack.Lost);
        if (ack.Phase == LossPhase.Recovery && previous != LossPhase.Recovery)
        {
            _conservesPackets = true;
            _roundEnd = ack.Delivered;
            Window = underWay + ack.Acked;
        }
        else if (ack.Phase == LossPhase.Open && previous != LossPhase.Open)
        {
            Window = Math.Max(Window, _priorWindow);
            _conservesPackets = false;
        }

        if (_conservesPackets)
        {
            Window = Math.Max(Window, underWay + ack.Acked);
        }

        return _conservesPackets;
    }
}
