namespace HyperActors.Udx;

/// <summary>The search for the largest datagram that the path carries.</summary>
/// <remarks>
/// A full data packet is padded to the size in question; its acknowledgement confirms the size, its loss costs nothing
/// but a retransmission without padding. Padding is at most 255 bytes, so the search climbs in strides of that, then
/// closes in between the largest size that arrived and the least that did not, to within 32 bytes.
/// </remarks>
internal sealed class MtuProbe(UdxOptions options)
{
    private const int Precision = 32;
    private const int MaxPadding = 255;
    private int _ceiling = options.MaxMtu;
    private int _limit = options.MaxMtu;
    private int _failures;
    private bool _isConfirmed;
    private bool _isUnderWay;
    private TimeSpan _searchAt;

    /// <summary>The datagram size in use, IP header included.</summary>
    public int Mtu { get; private set; } = options.BaseMtu;

    /// <summary>Whether anything larger than the base was ever put to use.</summary>
    public bool IsRaised => Mtu > options.BaseMtu;

    /// <summary>The size that wants to be tried.</summary>
    public int ProbeSize { get; private set; }

    /// <summary>Whether the next fitting packet should be padded to <see cref="ProbeSize"/>.</summary>
    public bool IsWanted(TimeSpan now) => _isConfirmed && !_isUnderWay && ProbeSize > Mtu && now >= _searchAt;

    /// <summary>A new path: back to the base, with the largest datagram of the route as a limit.</summary>
    public void Reset(int routeMtu)
    {
        Mtu = options.BaseMtu;
        _ceiling = _limit = Math.Min(options.MaxMtu, routeMtu);
        _failures = 0;
        _isConfirmed = _isUnderWay = false;
        ProbeSize = 0;
        _searchAt = default;
    }

    /// <summary>Any packet was acknowledged: the base size is confirmed, the search may start.</summary>
    public void HandleAck()
    {
        if (!_isConfirmed)
        {
            _isConfirmed = true;
            Aim();
        }
    }

    public void HandleProbeSent() => _isUnderWay = true;

    public void HandleProbeAcked(int size, TimeSpan now)
    {
        _isUnderWay = false;
        _failures = 0;
        if (size > Mtu)
        {
            Mtu = size;
        }

        AimOrRest(now);
    }

    public void HandleProbeLost(int size, TimeSpan now)
    {
        _isUnderWay = false;
        if (size == ProbeSize && ++_failures >= options.MaxMtuProbes)
        {
            _failures = 0;
            _limit = size - 1;
            AimOrRest(now);
        }
    }

    /// <summary>Full packets no longer arrive at all: fall back to the base and leave it at that for a while.</summary>
    public void HandleBlackHole(TimeSpan now)
    {
        Mtu = options.BaseMtu;
        Rest(now);
    }

    private void AimOrRest(TimeSpan now)
    {
        if (_limit < _ceiling && _limit - Mtu < Precision)
        {
            Rest(now);
        }
        else
        {
            Aim();
        }
    }

    private void Aim()
    {
        int size = _limit == _ceiling ? _limit : Mtu + ((_limit + 1 - Mtu) / 2);
        ProbeSize = Math.Min(size, Mtu + MaxPadding);
    }

    private void Rest(TimeSpan now)
    {
        _isUnderWay = false;
        _failures = 0;
        _limit = _ceiling;
        _searchAt = now + options.MtuRaiseInterval;
        Aim();
    }
}
