namespace HyperActors.Udx;

/// <summary>Who decides how fast a stream sends.</summary>
public enum CongestionControl
{
    /// <summary>Models bandwidth and round trip, cares little about single losses; what upstream runs.</summary>
    Bbr,

    /// <summary>Grows until it loses, then backs off; what most of TCP runs.</summary>
    Cubic,
}

/// <summary>Bounds and clocks of streams over datagrams.</summary>
public sealed record UdxOptions
{
    /// <summary>Which congestion controller new streams get.</summary>
    public CongestionControl Congestion { get; set; } = CongestionControl.Bbr;

    /// <summary>Bytes a stream holds for its owner before the peer must wait. More fills longer paths, and costs memory
    /// for every slow owner. Upstream announces 4 MiB.</summary>
    public int ReceiveWindow { get; set; } = 4 * 1024 * 1024;

    /// <summary>How far ahead of the first missing packet one is kept, in packets. Farther ones are dropped unacknowledged.</summary>
    public int MaxReorderDistance { get; set; } = 16_384;

    /// <summary>Runs of packets kept beyond a gap. More survive heavy loss on long paths; each arrival searches them.</summary>
    public int MaxReorderRuns { get; set; } = 1024;

    /// <summary>Bytes that may wait to be sent beyond one window. More keeps fast paths busy, less keeps what is sent fresh.</summary>
    public int SendBacklog { get; set; } = 256 * 1024;

    /// <summary>Bytes waiting and unacknowledged together, whatever window the peer announces.</summary>
    public int MaxSendBuffer { get; set; } = 16 * 1024 * 1024;

    /// <summary>Packets sent and not yet acknowledged in sequence; a sender this far ahead waits for the gap to close.</summary>
    public int MaxUnackedPackets { get; set; } = 16_384;

    /// <summary>Bytes of unordered datagrams waiting to leave; a datagram beyond is refused.</summary>
    public int MaxQueuedMessageBytes { get; set; } = 64 * 1024;

    /// <summary>Bytes of relayed packets waiting to leave; a packet beyond is dropped, as a router would.</summary>
    public int MaxQueuedRelayBytes { get; set; } = 1024 * 1024;

    /// <summary>Packets of the first flight.</summary>
    public int InitialWindow { get; set; } = 10;

    /// <summary>How much of the pacing rate may leave in one burst, to make up for a late wake. Longer suits busy machines, shorter
    /// suits short queues. Upstream sets no bound.</summary>
    public TimeSpan PacingBurst { get; set; } = TimeSpan.FromMilliseconds(10);

    /// <summary>The shortest wait before an unanswered packet counts as lost. Upstream: one second.</summary>
    public TimeSpan MinRetransmitTimeout { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>The longest such wait.</summary>
    public TimeSpan MaxRetransmitTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Timeouts in a row, without progress, after which the peer counts as gone.</summary>
    public int MaxTimeouts { get; set; } = 7;

    /// <summary>The datagram size, IP header included, that every path is taken to carry.</summary>
    public int BaseMtu { get; set; } = 1200;

    /// <summary>The largest datagram that is tried. Upstream receives into 2048 bytes and tries 1500.</summary>
    public int MaxMtu { get; set; } = 1500;

    /// <summary>Losses of one probed size before the path is taken not to carry it.</summary>
    public int MaxMtuProbes { get; set; } = 3;

    /// <summary>When a finished search for a larger datagram size is taken up again.</summary>
    public TimeSpan MtuRaiseInterval { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>How long the id of a closed stream is remembered, to answer a peer that missed the last packet.</summary>
    public TimeSpan Linger { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>How long a stream that its owner has let go may take to deliver what was written. More is kinder to slow paths,
    /// less lets go of peers that do not read.</summary>
    public TimeSpan CloseTimeout { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>Closed streams remembered; beyond, the oldest is forgotten.</summary>
    public int MaxLingering { get; set; } = 4096;

    /// <summary>Open streams of one endpoint.</summary>
    public int MaxStreams { get; set; } = 65_536;
}
