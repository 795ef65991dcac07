namespace HyperActors.Udx.Congestion;

/// <summary>A delivery rate: so many packets in such a time.</summary>
internal readonly record struct RateSample(int Delivered, TimeSpan Interval, long PriorDelivered, bool IsAppLimited)
{
    /// <summary>Whether this is a measurement at all.</summary>
    public bool IsValid => Interval > TimeSpan.Zero && Delivered > 0;

    /// <summary>Packets per second.</summary>
    public double Rate => Delivered / Interval.TotalSeconds;
}

/// <summary>Estimates the delivery rate (draft-cheng-iccrg-delivery-rate-estimation).</summary>
/// <remarks>Each packet remembers how much had been delivered when it left. When it is acknowledged, the difference over the
/// longer of the time it took to send that much and the time it took to acknowledge it is a rate that the path has carried.</remarks>
internal sealed class RateSampler
{
    private TimeSpan _firstSentAt;
    private TimeSpan _deliveredAt;
    private long _appLimitedUntil;

    // The newest packet that the current batch of acknowledgements covers.
    private SentPacket _newest;
    private bool _hasNewest;

    /// <summary>Packets delivered since the stream began.</summary>
    public long Delivered { get; private set; }

    /// <summary>Whether rates measured now say more about the application than about the path.</summary>
    public bool IsAppLimited => _appLimitedUntil != 0;

    /// <summary>The packet that left last among those acknowledged in this batch.</summary>
    public SentPacket? Newest => _hasNewest ? _newest : null;

    /// <summary>What is under way is all there is to send, until it has been delivered.</summary>
    public void MarkAppLimited(int inFlight) => _appLimitedUntil = Math.Max(1, Delivered + inFlight);

    public void HandleSent(ref SentPacket packet, bool isFirstInFlight)
    {
        if (isFirstInFlight)
        {
            _firstSentAt = _deliveredAt = packet.SentAt;
        }

        packet.FirstSentAt = _firstSentAt;
        packet.DeliveredAt = _deliveredAt;
        packet.Delivered = Delivered;
        packet.IsAppLimited = IsAppLimited;
    }

    public void HandleDelivered(in SentPacket packet, TimeSpan now)
    {
        Delivered++;
        _deliveredAt = now;
        if (!_hasNewest || packet.SentAt > _newest.SentAt ||
            (packet.SentAt == _newest.SentAt && packet.Delivered >= _newest.Delivered))
        {
            _newest = packet;
            _hasNewest = true;
        }
    }

    /// <summary>The rate that the batch of acknowledgements shows, and the end of the batch.</summary>
    public RateSample Take(TimeSpan now, TimeSpan minRoundTrip)
    {
        if (_appLimitedUntil != 0 && Delivered > _appLimitedUntil)
        {
            _appLimitedUntil = 0;
        }

        if (!_hasNewest)
        {
            return default;
        }

        _hasNewest = false;
        _firstSentAt = _newest.SentAt;
        TimeSpan sending = _newest.SentAt - _newest.FirstSentAt;
        TimeSpan acking = now - _newest.DeliveredAt;
        TimeSpan interval = sending > acking ? sending : acking;

        // Shorter than any round trip: the acknowledgement was for an earlier sending of the same packet.
        if (interval < minRoundTrip)
        {
            return default;
        }

        return new RateSample(
            (int)(Delivered - _newest.Delivered), interval, _newest.Delivered, _newest.IsAppLimited);
    }
}
