namespace HyperActors.Dht;

/// <summary>Times and bounds of connections by public key.</summary>
public sealed record ConnectorOptions
{
    /// <summary>How long an attempt may take until it is connected, a relay included. More lets the slowest punches end.</summary>
    public TimeSpan ConnectTimeout { get; set; } = TimeSpan.FromSeconds(90);

    /// <summary>Attempts under way at the same time, those to relays included; one beyond fails at once.</summary>
    public int MaxAttempts { get; set; } = 256;

    /// <summary>How long a relayed connection goes on looking for a direct way.</summary>
    public TimeSpan UpgradeTimeout { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>How long a client that everybody reaches waits for the server to call.</summary>
    public TimeSpan PassiveTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Nodes that carry the handshake at the same time. More connects sooner, and makes the server answer more often.</summary>
    public int ParallelHandshakes { get; set; } = 2;

    /// <summary>Nodes that are asked to carry a handshake in one attempt.</summary>
    public int MaxHandshakeNodes { get; set; } = 40;

    /// <summary>Peers whose relays are remembered for the next time.</summary>
    public int MaxCachedPeers { get; set; } = 512;

    /// <summary>Relays that are remembered of one peer.</summary>
    public int MaxCachedRelays { get; set; } = 16;

    /// <summary>Peers whose socket is remembered, to come back to without looking for them.</summary>
    public int MaxRoutes { get; set; } = 512;

    /// <summary>How long a punched socket stays open after its last connection, for a peer that comes back.</summary>
    public TimeSpan SocketLinger { get; set; } = TimeSpan.FromSeconds(3);

    /// <summary>Sockets open for hole punching. A random punch alone takes <see cref="BirthdaySockets"/>.</summary>
    public int MaxPunchSockets { get; set; } = 512;

    /// <summary>Fresh sockets tried when the NAT treats one badly.</summary>
    public int MaxReopens { get; set; } = 3;

    /// <summary>Addresses of a peer that are believed; what it lists beyond is ignored.</summary>
    public int MaxRemoteAddresses { get; set; } = 8;

    /// <summary>Probes answered in one punch.</summary>
    public int MaxProbeAnswers { get; set; } = 2048;

    /// <summary>Hops of a probe that should open our own NAT and reach nobody.</summary>
    public byte ShortTimeToLive { get; set; } = 5;

    /// <summary>Rounds of probes between two NATs that keep their ports.</summary>
    public int ConsistentTries { get; set; } = 10;

    /// <summary>The time between two such rounds.</summary>
    public TimeSpan ConsistentPause { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>Probes to random ports, or from random ones. More finds a port more surely.</summary>
    public int RandomProbes { get; set; } = 1750;

    /// <summary>The time between two such probes.</summary>
    public TimeSpan RandomPause { get; set; } = TimeSpan.FromMilliseconds(20);

    /// <summary>Sockets that a NAT with random ports is opened with.</summary>
    public int BirthdaySockets { get; set; } = 256;

    /// <summary>The time between the opening of these sockets and the first probe.</summary>
    public TimeSpan BirthdayPause { get; set; } = TimeSpan.FromMilliseconds(100);

    /// <summary>Random punches at the same time; routers have little room for what they open.</summary>
    public int MaxRandomPunches { get; set; } = 1;

    /// <summary>The time between two random punches.</summary>
    public TimeSpan RandomPunchInterval { get; set; } = TimeSpan.FromSeconds(20);

    /// <summary>How long a relayed connection waits, at least, before it asks again for a random punch; up to twice as long.</summary>
    public TimeSpan TryLaterPause { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a peer that does not know its NAT yet is left to find out.</summary>
    public TimeSpan RemoteJudgePause { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>How long a blind relay may take to join both sides.</summary>
    public TimeSpan RelayTimeout { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>How long a server waits for a client that it has answered.</summary>
    public TimeSpan HandshakeTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>How long the answer to a handshake is kept after it is over, for copies that come by other relays.</summary>
    public TimeSpan HandshakeClearWait { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Handshakes that a listener has under way; one beyond gets no answer.</summary>
    public int MaxSessions { get; set; } = 512;

    /// <summary>Handshakes under way from one host. Loopback, private and link-local ones are not counted.</summary>
    public int MaxSessionsPerHost { get; set; } = 32;

    /// <summary>Handshakes read a second, on average: each costs four multiplications on the curve.</summary>
    public int HandshakesPerSecond { get; set; } = 200;

    /// <summary>Messages about hole punching that one handshake may lead to.</summary>
    public int MaxHolepunchMessages { get; set; } = 64;

    /// <summary>Nodes that a listener is announced at.</summary>
    public int Relays { get; set; } = 3;

    /// <summary>The time between two looks at these nodes, which also keep the NAT open towards them.</summary>
    public TimeSpan RelayPingInterval { get; set; } = TimeSpan.FromSeconds(3);

    /// <summary>So many looks, then the listener is announced anew.</summary>
    public int PingsPerAnnouncement { get; set; } = 100;

    /// <summary>How long taking announcements back may keep <see cref="Connector.SuspendAsync"/> and <see cref="Listener.CloseAsync"/>.</summary>
    public TimeSpan UnannounceTimeout { get; set; } = TimeSpan.FromSeconds(5);
}
