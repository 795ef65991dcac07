namespace HyperActors.Udx.Congestion;

/// <summary>How a sender stands with loss.</summary>
internal enum LossPhase
{
    /// <summary>Nothing is known to be missing.</summary>
    Open,

    /// <summary>Acknowledgements showed a gap; what was sent before it was seen is being repaired.</summary>
    Recovery,

    /// <summary>A timeout; everything sent before it may be lost.</summary>
    Timeout,
}

/// <summary>What one batch of acknowledgements says about the path.</summary>
internal readonly ref struct AckSample
{
    public required TimeSpan Now { get; init; }

    /// <summary>Packets newly acknowledged.</summary>
    public required int Acked { get; init; }

    /// <summary>Packets newly known to be lost, MTU probes apart.</summary>
    public required int Lost { get; init; }

    /// <summary>Packets still under way.</summary>
    public required int InFlight { get; init; }

    /// <summary>Packets delivered since the stream began.</summary>
    public required long Delivered { get; init; }

    public required LossPhase Phase { get; init; }

    /// <summary>Round trip of the newest packet acknowledged; null when none can be trusted.</summary>
    public required TimeSpan? RoundTrip { get; init; }

    /// <summary>The delivery rate, when the sample is valid.</summary>
    public required RateSample Rate { get; init; }

    /// <summary>The smoothed round trip; zero before the first sample.</summary>
    public required TimeSpan SmoothedRoundTrip { get; init; }

    /// <summary>Payload of a full packet.</summary>
    public required int PacketSize { get; init; }
}

/// <summary>Decides how much may be under way, and how fast it leaves.</summary>
/// <remarks>The stream finds losses and measures; a controller only draws conclusions.</remarks>
internal interface ICongestionController
{
    /// <summary>Packets that may be under way.</summary>
    int Window { get; }

    /// <summary>Bytes per second that may leave.</summary>
    double PacingRate { get; }

    /// <summary>The first packet leaves after everything sent was acknowledged.</summary>
    void HandleTransmitStart(bool isAppLimited, TimeSpan now);

    /// <summary>Acknowledgements arrived while something was under way.</summary>
    /// <returns>Whether the controller itself holds the stream back, so that the coming samples say little of the path.</returns>
    bool HandleAck(in AckSample ack);

    /// <summary>A retransmission timeout left so many packets under way.</summary>
    void HandleTimeout(int inFlight);
}
