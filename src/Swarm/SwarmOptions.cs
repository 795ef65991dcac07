namespace HyperActors.Swarm;

/// <summary>How many peers a swarm wants, and how patiently it looks for them. The defaults are upstream's where it has any.</summary>
public sealed record SwarmOptions
{
    /// <summary>With so many connections, taken and dialled, the swarm dials nobody more but those that were asked for by key. The more of
    /// those there are, the earlier it stops (docs/hyperswarm.md#limits). Who dials us is let in all the same.</summary>
    public int MaxPeers { get; set; } = 64;

    /// <summary>Dials under way at a time. More connect sooner, and trouble the network more.</summary>
    public int MaxParallel { get; set; } = 3;

    /// <summary>Connections that we dialled, dials under way included.</summary>
    public int MaxClientConnections { get; set; } = int.MaxValue;

    /// <summary>Connections of peers that dialled us; those that were asked for by key come on top. More serves more peers at a time, up to
    /// the node's own limit on connections, half of which this leaves for dials.</summary>
    public int MaxServerConnections { get; set; } = 512;

    /// <summary>Topics at a time, those that are being left included: each is announced every ten minutes.</summary>
    public int MaxTopics { get; set; } = 4096;

    /// <summary>Sessions at a time, of all topics.</summary>
    public int MaxSessions { get; set; } = 65_536;

    /// <summary>Peers that are remembered, banned ones included. Beyond it new ones are not taken up until others are forgotten.</summary>
    public int MaxKnownPeers { get; set; } = 4096;

    /// <summary>Topics that are remembered of a peer.</summary>
    public int MaxTopicsPerPeer { get; set; } = 64;

    /// <summary>Peers that are remembered of a topic with a limit, to count those that are connected already.</summary>
    public int MaxDiscovered { get; set; } = 64;

    /// <summary>Addresses that are remembered of a peer; three are announced.</summary>
    public int MaxRelays { get; set; } = 8;

    /// <summary>Flushes that wait at a time; one more is answered at once.</summary>
    public int MaxFlushes { get; set; } = 1024;

    /// <summary>A topic is announced and looked up again after this long; the network forgets it after twenty minutes.</summary>
    public TimeSpan RefreshInterval { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>At most this is added at random, so that a network that came up at once does not refresh at once.</summary>
    public TimeSpan RefreshJitter { get; set; } = TimeSpan.FromMinutes(2);

    /// <summary>A refresh that comes later than this after its time tells of a machine that slept.</summary>
    public TimeSpan SleepGrace { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>A lookup or an announcement that has not ended by then is given up.</summary>
    public TimeSpan QueryTimeout { get; set; } = TimeSpan.FromMinutes(2);

    /// <summary>A dial that has not ended by then is given up; punching through two bad networks may take half a minute.</summary>
    public TimeSpan DialTimeout { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>Listening, suspending and resuming that has not ended by then goes on without.</summary>
    public TimeSpan ServiceTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>How long a node that stops waits until its announcements are taken back; what is left is forgotten by the network in time.</summary>
    public TimeSpan LeaveTimeout { get; set; } = TimeSpan.FromSeconds(3);

    /// <summary>A connection that lasted this long begins with a clean slate when it is lost.</summary>
    public TimeSpan MinConnectionTime { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>The rest before a peer that was there a moment ago is dialled again; drawn up to half as long again.</summary>
    public TimeSpan ShortBackoff { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>The rest after a second failure; drawn up to a fifth longer.</summary>
    public TimeSpan MediumBackoff { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>The rest after a third failure; drawn up to 2 s longer.</summary>
    public TimeSpan LongBackoff { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>The rest of a peer that was asked for by key and does not answer; drawn up to 2 min longer.</summary>
    public TimeSpan ExplicitBackoff { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>What is drawn is a multiple of this (1, 2, 4 and 240 of it), and once more this on top. Zero: every back-off as it stands.</summary>
    public TimeSpan BackoffJitter { get; set; } = TimeSpan.FromMilliseconds(500);
}
