using HyperActors.Dht;
using HyperActors.Swarm;

namespace HyperActors.Actors;

/// <summary>How a node takes part in the network of peers: found by topic and key, connected over UDX. Read once at the start.</summary>
public sealed record NetworkOptions
{
    /// <summary>The port that nodes of the DHT use unless told otherwise.</summary>
    public const int DefaultPort = 49737;

    /// <summary>The nodes that the public network is entered through, as <c>ADDRESS@HOST:PORT</c>: the address is tried before the name is looked up.</summary>
    public static IReadOnlyList<string> PublicBootstrap { get; } =
    [
        "88.99.3.86@node1.hyperdht.org:49737",
        "142.93.90.113@node2.hyperdht.org:49737",
        "138.68.147.8@node3.hyperdht.org:49737",
    ];

    /// <summary>Whether the distributed hash table is used. Without it peers are found on the local network only, or dialled by address.</summary>
    public bool UsesDht { get; set; } = true;

    /// <summary>Whether peers on the same network find each other by multicast, without any server.</summary>
    public bool UsesLocalDiscovery { get; set; } = true;

    /// <summary>Whether a peer that cannot be reached directly is reached through a relay that it or we have named.</summary>
    public bool UsesRelays { get; set; } = true;

    /// <summary>Blind relays of ours, by key: a dial by hand names one of them, the swarm only where no direct way was found
    /// before, or where our own port changes with every destination. Null for none.</summary>
    public IList<string>? RelayThrough { get; set; }

    /// <summary>Whether the node is a blind relay for others, under a key of its own that <see cref="Abstractions.DhtInfo.RelayKey"/> tells.</summary>
    public bool RelaysForOthers { get; set; }

    /// <summary>What it lends to them.</summary>
    public RelayOptions Relay { get; set; } = new();

    /// <summary>The IPv4 address to listen on: <c>0.0.0.0</c> for every interface, <c>127.0.0.1</c> to stay on this machine.</summary>
    public string Host { get; set; } = "0.0.0.0";

    /// <summary>The port that others send to; when it is taken, one of the four after it, then any. 0 for any from the start.</summary>
    public int Port { get; set; } = DefaultPort;

    /// <summary>Whether no other port will do when <see cref="Port"/> is taken.</summary>
    public bool IsPortFixed { get; set; }

    /// <summary>The nodes that the network is entered through, as <c>HOST:PORT</c> or <c>ADDRESS@HOST:PORT</c>. Empty for a network
    /// that begins here; null for <see cref="PublicBootstrap"/>.</summary>
    public IList<string>? Bootstrap { get; set; }

    /// <summary>True for a node that only asks, false for one that stores records for others; null to find out: a node that others can
    /// reach, and that stays, begins to store.</summary>
    public bool? IsEphemeral { get; set; }

    /// <summary>True behind a firewall, false when everybody can send to <see cref="Port"/>; null to find out.</summary>
    public bool? IsFirewalled { get; set; }

    /// <summary>True for a node that others enter the network through: it knows its own address, and stores from the first moment.</summary>
    public bool IsBootstrapper { get; set; }

    /// <summary>Whether peers on the same local network are told this machine's local addresses, so that they need not go through the router.</summary>
    public bool SharesLocalAddresses { get; set; } = true;

    /// <summary>Bounds and clocks of the DHT. What this record says itself goes before: where it starts, and what it believes of its firewall.</summary>
    public DhtOptions Limits { get; set; } = new();

    /// <summary>What is kept for others, and for how long.</summary>
    public RecordOptions Records { get; set; } = new();

    /// <summary>Times and bounds of connections by key.</summary>
    public ConnectorOptions Connecting { get; set; } = new();

    /// <summary>How many peers the swarm wants, and how patiently it looks for them.</summary>
    public SwarmOptions Swarm { get; set; } = new();

    /// <summary>How loud the node is on the local network, and how much of what it hears there it keeps.</summary>
    public LocalDiscoveryOptions LocalDiscovery { get; set; } = new();

    /// <summary>The names of the interfaces on which peers are looked for and told of this node; null for every one that can multicast
    /// and has a private address, which loopback has not.</summary>
    public IList<string>? LocalInterfaces { get; set; }

    /// <summary>Datagrams that wait for the DHT to look at them; what comes beyond is dropped and counted.</summary>
    public int MaxWaitingDatagrams { get; set; } = 4096;

    /// <summary>How often the machine's own addresses are looked at, to notice another network.</summary>
    public TimeSpan NetworkPollInterval { get; set; } = TimeSpan.FromSeconds(5);
}
