using HyperActors.Crypto;

namespace HyperActors.Dht;

/// <summary>A node of HyperDHT: asks, answers, keeps records, passes on (docs/hyperdht.md).</summary>
/// <remarks>
/// One machine with one turn and one time, those of its <see cref="Node"/>. Operations are flows: start one inside the owner's turn, then let
/// <see cref="HandleDatagram"/> and <see cref="HandleTimeout"/> carry it on.
/// </remarks>
public sealed partial class HyperDht
{
    /// <summary>The port of a node that is told no other.</summary>
    public const int DefaultPort = 49_737;

    /// <summary>A node on two sockets; the arguments are those of <see cref="DhtNode"/>.</summary>
    /// <param name="options">Bounds and manners of the node.</param>
    /// <param name="records">What it keeps for others.</param>
    /// <param name="doors">Its network.</param>
    /// <param name="random">Its chance.</param>
    /// <param name="serverSocket">The socket that it wants to be reached on.</param>
    /// <param name="serverLocal">Where that is bound.</param>
    /// <param name="clientSocket">The socket that it asks from while it does not know whether it is reachable.</param>
    /// <param name="clientLocal">Where that is bound.</param>
    /// <param name="wallClock">What the time is for people.</param>
    /// <param name="now">What the time is for machines.</param>
    public HyperDht(
        DhtOptions options,
        RecordOptions records,
        IDhtDoors doors,
        RandomSource random,
        int serverSocket,
        DhtAddress serverLocal,
        int clientSocket,
        DhtAddress clientLocal,
        DateTimeOffset wallClock,
        TimeSpan now)
    {
        DhtOptions filtered = options.NodeFilter is null ? options with { NodeFilter = IsWelcome } : options;
        Node = new DhtNode(filtered, doors, random, serverSocket, serverLocal, clientSocket, clientLocal, now);
        Commands = new HyperCommands(Node, records, wallClock);
    }

    /// <summary>The node under it: requests, queries, the routing table, what the network is like.</summary>
    public DhtNode Node { get; }

    /// <summary>What it does for others.</summary>
    public HyperCommands Commands { get; }

    /// <summary>When <see cref="HandleTimeout"/> is next due.</summary>
    public TimeSpan? Deadline => Node.Deadline;

    /// <summary>False for some public addresses where nodes of a test once got mixed in: they are never asked and never kept.</summary>
    public static bool IsWelcome(DhtAddress address) => address switch
    {
        // 134.209.28.98, 167.99.142.185, 35.233.47.252, 150.136.142.116
        { Host: 0x86d1_1c62 or 0xa763_8eb9, Port: 49_738 } => false,
        { Host: 0x23e9_2ffc, Port: 9400 } => false,
        { Host: 0x9688_8e74 } => false,
        _ => true,
    };

    /// <inheritdoc cref="DhtNode.HandleDatagram"/>
    public void HandleDatagram(ReadOnlySpan<byte> datagram, int socket, DhtAddress from, TimeSpan now) =>
        Node.HandleDatagram(datagram, socket, from, now);

    /// <summary>Does what is due.</summary>
    public void HandleTimeout(TimeSpan now)
    {
        Node.HandleTimeout(now);
        Commands.Prune();
    }

    /// <inheritdoc cref="DhtNode.TryPollEvent"/>
    public bool TryPollEvent(out DhtEvent? dhtEvent) => Node.TryPollEvent(out dhtEvent);

    /// <summary>Nodes worth remembering until the next start: those heard of last, then others of the table.</summary>
    public IReadOnlyList<DhtAddress> ExportNodes(int max) =>
        [.. Node.LatestContacts.Concat(Node.Routing.Contacts()).Select(contact => contact.Address).Distinct().Take(max)];

    /// <summary>Takes over what an earlier run remembered, before <see cref="DhtNode.BootstrapAsync"/>: with it a node finds its network
    /// even where all nodes to start from are gone.</summary>
    public void ImportNodes(IEnumerable<DhtAddress> nodes)
    {
        foreach (DhtAddress node in nodes)
        {
            Node.AddNode(node);
        }
    }
}
