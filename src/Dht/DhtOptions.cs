namespace HyperActors.Dht;

/// <summary>A node to start from.</summary>
/// <param name="Suggested">Asked first: an address that is known to be right most of the time.</param>
/// <param name="Resolved">What its name stands for, when there is one; taken when the suggested address is silent, or missing.</param>
public readonly record struct DhtBootstrap(DhtAddress? Suggested, DhtAddress? Resolved);

/// <summary>Bounds, clocks and manners of a node of the DHT.</summary>
public sealed record DhtOptions
{
    /// <summary>Where lookups start that know nobody. None: an isolated network, or its first node.</summary>
    public IReadOnlyList<DhtBootstrap> Bootstrap { get; set; } = [];

    /// <summary>What is believed before the first test: true asks from the client socket, so that the server socket stays
    /// unused for the test to mean something.</summary>
    public bool IsFirewalled { get; set; } = true;

    /// <summary>Null becomes persistent when the node has been reachable for a while; false tests at once and becomes so
    /// when it is reachable; true never does.</summary>
    public bool? IsEphemeral { get; set; }

    /// <summary>Tests the firewall at the start when one node could reach the server socket.</summary>
    public bool QuickFirewall { get; set; } = true;

    /// <summary>The address that the first node of a network goes by, since it has nobody to tell it; null for all others.</summary>
    public DhtAddress? OwnAddress { get; set; }

    /// <summary>Addresses that are never asked and never kept: those it answers false for.</summary>
    public Func<DhtAddress, bool>? NodeFilter { get; set; }

    /// <summary>Contacts a bucket holds, and closest nodes a lookup ends with (Kademlia's k). More survive churn, and cost more pings.</summary>
    public int BucketSize { get; set; } = 20;

    /// <summary>Requests of one query under way at a time (Kademlia's alpha). More is faster and costs more messages.</summary>
    public int Concurrency { get; set; } = 10;

    /// <summary>Requests that may leave per 750 ms; others wait. More is faster, and fills small routers.</summary>
    public int MaxWindow { get; set; } = 80;

    /// <summary>Requests under way and waiting together; one beyond fails at once.</summary>
    public int MaxInflight { get; set; } = 4096;

    /// <summary>How long an attempt waits for its answer.</summary>
    public TimeSpan RequestTimeout { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>How often a request is sent again.</summary>
    public int Retries { get; set; } = 3;

    /// <summary>How often a request of a query is sent again.</summary>
    public int QueryRetries { get; set; } = 5;

    /// <summary>Nodes that one query asks at most. Honest lookups end by themselves after some dozens; invented nodes don't end.</summary>
    public int MaxVisits { get; set; } = 500;

    /// <summary>The longest delay that others may ask our answer to take.</summary>
    public TimeSpan MaxPingDelay { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Delayed answers kept at a time; more requests for them are not answered.</summary>
    public int MaxDelayedPings { get; set; } = 64;

    /// <summary>Hints about nodes that are gone which we send per tick.</summary>
    public int MaxDownHintsPerTick { get; set; } = 50;

    /// <summary>Nodes asked at a time because of others' hints, or because they asked us first.</summary>
    public int MaxChecks { get; set; } = 10;

    /// <summary>Heartbeat of the node's upkeep.</summary>
    public TimeSpan TickInterval { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>Ticks without a query after which a lookup of a known node refreshes the table.</summary>
    public int RefreshTicks { get; set; } = 60;

    /// <summary>Ticks after which a reachable node is believed to stay.</summary>
    public int StableTicks { get; set; } = 240;

    /// <summary>How often a bucket asks the contact that it has not heard of for the longest time.</summary>
    public TimeSpan PingInterval { get; set; } = TimeSpan.FromSeconds(40);

    /// <summary>A contact heard of within this time is not asked for the sake of a new one, once it is old.</summary>
    public TimeSpan RecentAge { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>A contact known for this long is old: it is worth more than a new one.</summary>
    public TimeSpan OldAge { get; set; } = TimeSpan.FromMinutes(30);

    /// <summary>How long a full bucket waits to hear how its oldest contact did.</summary>
    public TimeSpan ChallengeTimeout { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>Contacts from one /24 in one bucket.</summary>
    public int MaxContactsPerNetworkInBucket { get; set; } = 2;

    /// <summary>Contacts from one /24 in the table.</summary>
    public int MaxContactsPerNetwork { get; set; } = 10;

    /// <summary>Closest replies from one /24 that a query ends with.</summary>
    public int MaxRepliesPerNetwork { get; set; } = 3;

    /// <summary>Asks a node that asked us first, and showed no token, before it is kept: whoever sends datagrams in the name of others can't
    /// fill our table with them.</summary>
    public bool VerifiesAskers { get; set; } = true;

    /// <summary>Bytes per second that a /24 without a valid token is answered with; beyond it, silence.</summary>
    public int StrangerBytesPerSecond { get; set; } = 20_000;

    /// <summary>Bytes that it may be answered with at once.</summary>
    public int StrangerBurstBytes { get; set; } = 64_000;

    /// <summary>Requests per second and host.</summary>
    public int RequestsPerSecond { get; set; } = 200;

    /// <summary>Requests of one host at once.</summary>
    public int RequestBurst { get; set; } = 400;

    /// <summary>Hosts and networks whose use is counted at a time; those that used least are forgotten first.</summary>
    public int MaxMeteredHosts { get; set; } = 1024;

    /// <summary>Events kept for an owner that does not look; the oldest go first.</summary>
    public int MaxEvents { get; set; } = 64;

    /// <summary>Options of the first node of a network, which goes by an address that it is told.</summary>
    public static DhtOptions Bootstrapper(DhtAddress ownAddress) =>
        new() { OwnAddress = ownAddress, IsEphemeral = false, IsFirewalled = false };
}
