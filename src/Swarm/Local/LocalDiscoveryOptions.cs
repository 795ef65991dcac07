namespace HyperActors.Swarm;

/// <summary>How loud a node is on the local network, and how much of what it hears there it keeps.</summary>
public sealed record LocalDiscoveryOptions
{
    /// <summary>Topics that are announced or looked for; those beyond are not.</summary>
    public int MaxTopics { get; set; } = 64;

    /// <summary>Peers that are remembered; more are not taken up until others are forgotten.</summary>
    public int MaxPeers { get; set; } = 256;

    /// <summary>Topics of one peer that are remembered.</summary>
    public int MaxTopicsPerPeer { get; set; } = 64;

    /// <summary>Addresses of one peer that are remembered.</summary>
    public int MaxAddresses { get; set; } = 4;

    /// <summary>Topics in one packet.</summary>
    public int MaxTopicsPerPacket { get; set; } = 20;

    /// <summary>Bytes of a packet; what is more goes into another.</summary>
    public int MaxPacketSize { get; set; } = 1400;

    /// <summary>Answers that wait for their time; askers beyond are not answered.</summary>
    public int MaxPendingAnswers { get; set; } = 32;

    /// <summary>Packets that answer others, in a second. More serves a crowd, and those who ask in others' names.</summary>
    public int MaxAnswersPerSecond { get; set; } = 20;

    /// <summary>How long others may believe where the node is.</summary>
    public TimeSpan HostTimeToLive { get; set; } = TimeSpan.FromSeconds(120);

    /// <summary>How long others may believe that the node is, and under which topics.</summary>
    public TimeSpan PointerTimeToLive { get; set; } = TimeSpan.FromSeconds(4500);

    /// <summary>The longest that another's word is believed without hearing it again, whatever it says itself.</summary>
    public TimeSpan MaxTimeToLive { get; set; } = TimeSpan.FromHours(2);

    /// <summary>An answer that others may give too waits at least this long, and at most <see cref="MaxAnswerDelay"/>.</summary>
    public TimeSpan MinAnswerDelay { get; set; } = TimeSpan.FromMilliseconds(20);

    /// <summary>The longest that an answer waits that others may give too.</summary>
    public TimeSpan MaxAnswerDelay { get; set; } = TimeSpan.FromMilliseconds(120);

    /// <summary>What an answer waits on top when the asker says that more of what it knows follows.</summary>
    public TimeSpan TruncationDelay { get; set; } = TimeSpan.FromMilliseconds(400);

    /// <summary>The same is not said to everybody again within this time.</summary>
    public TimeSpan RepeatInterval { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>The rest between two packets that ask whether a name is free.</summary>
    public TimeSpan ProbeInterval { get; set; } = TimeSpan.FromMilliseconds(250);

    /// <summary>How many such packets there are.</summary>
    public int Probes { get; set; } = 3;

    /// <summary>What is new is told so often, <see cref="RepeatInterval"/> apart.</summary>
    public int Announcements { get; set; } = 2;

    /// <summary>Names that are tried when others have them already; then the node is silent for <see cref="ConflictRest"/>.</summary>
    public int MaxConflicts { get; set; } = 10;

    /// <summary>The silence of a node to which others leave no name.</summary>
    public TimeSpan ConflictRest { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>The rest between the first two questions for a topic; it doubles up to <see cref="MaxQueryInterval"/>.</summary>
    public TimeSpan MinQueryInterval { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>The longest rest between two questions for a topic.</summary>
    public TimeSpan MaxQueryInterval { get; set; } = TimeSpan.FromHours(1);

    /// <summary>A peer that is still there is told to the owner again after this long, as a lookup in the DHT would.</summary>
    public TimeSpan TellAgainInterval { get; set; } = TimeSpan.FromMinutes(10);
}
