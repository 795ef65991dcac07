using System.Net;
using HyperActors.Crypto;

namespace HyperActors.Abstractions;

/// <summary>The node's part in the distributed hash table: records by key, peers by topic, connections by public key.</summary>
public interface IDht
{
    /// <summary>Every peer announced under a topic, as the nodes closest to it answer; a peer may come more than once.</summary>
    IAsyncEnumerable<DhtPeer> LookupAsync(DiscoveryKey topic, CancellationToken cancellationToken = default);

    /// <summary>Announces the node under a topic once: it stays known there for about twenty minutes.</summary>
    /// <returns>How many nodes keep the announcement.</returns>
    ValueTask<int> AnnounceAsync(DiscoveryKey topic, CancellationToken cancellationToken = default);

    /// <summary>Takes an announcement back.</summary>
    ValueTask UnannounceAsync(DiscoveryKey topic, CancellationToken cancellationToken = default);

    /// <summary>Where a listening peer can be reached through; null when nobody knows it.</summary>
    ValueTask<DhtPeer?> FindPeerAsync(PublicKey peer, CancellationToken cancellationToken = default);

    /// <summary>Stores at most 1000 bytes under their hash.</summary>
    ValueTask<DhtPut> PutImmutableAsync(ReadOnlyMemory<byte> value, CancellationToken cancellationToken = default);

    /// <summary>The bytes with that hash; null when nobody has them.</summary>
    ValueTask<ReadOnlyMemory<byte>?> GetImmutableAsync(Hash key, CancellationToken cancellationToken = default);

    /// <summary>Stores at most 1000 bytes under a public key, signed, with a sequence number above that of the value before.</summary>
    /// <exception cref="HyperActorsException">A newer value is there; the message tells its sequence number.</exception>
    ValueTask<DhtPut> PutMutableAsync(KeyPair keys, ReadOnlyMemory<byte> value, ulong sequence, CancellationToken cancellationToken = default);

    /// <summary>The newest value under a public key; null when nobody has one from <paramref name="minSequence"/> on.</summary>
    ValueTask<DhtMutable?> GetMutableAsync(PublicKey key, ulong minSequence = 0, CancellationToken cancellationToken = default);

    /// <summary>Asks one node whether it is there.</summary>
    /// <returns>The time it took; null when no answer came.</returns>
    ValueTask<TimeSpan?> PingAsync(IPEndPoint address, CancellationToken cancellationToken = default);

    /// <summary>Connects to a peer by its key, through whatever lies between; feeds are copied over the connection from then on.</summary>
    /// <exception cref="ConnectionFailedException">It can't be found or reached; the message says which.</exception>
    ValueTask<PeerInfo> ConnectAsync(PublicKey peer, CancellationToken cancellationToken = default);

    /// <summary>Lets peers connect by the node's public key, until the node ends.</summary>
    ValueTask ListenAsync(CancellationToken cancellationToken = default);

    /// <summary>Waits until the node has met its network.</summary>
    ValueTask WaitUntilReadyAsync(CancellationToken cancellationToken = default);

    /// <summary>What the node knows of the network and of its own place in it.</summary>
    ValueTask<DhtInfo> GetInfoAsync(CancellationToken cancellationToken = default);
}

/// <summary>A peer of a topic.</summary>
/// <param name="PublicKey">Who it is.</param>
/// <param name="RelayAddresses">Nodes that carry a handshake to it.</param>
/// <param name="From">The node that told us.</param>
public sealed record DhtPeer(PublicKey PublicKey, IReadOnlyList<IPEndPoint> RelayAddresses, IPEndPoint From);

/// <summary>A value that was stored.</summary>
/// <param name="Key">Under which key.</param>
/// <param name="Nodes">How many nodes took it.</param>
public sealed record DhtPut(Hash Key, int Nodes);

/// <summary>A signed value.</summary>
/// <param name="Sequence">Which one: a newer value has a higher number.</param>
/// <param name="Value">What was signed, at most 1000 bytes.</param>
/// <param name="From">The node that gave it.</param>
public sealed record DhtMutable(ulong Sequence, ReadOnlyMemory<byte> Value, IPEndPoint From);

/// <summary>How a network translator in front of the node treats its sockets.</summary>
public enum NatKind
{
    /// <summary>Not enough was seen yet.</summary>
    Unknown,

    /// <summary>Everybody reaches the node's own port.</summary>
    Open,

    /// <summary>One port for every destination: others reach it once the node has sent to them.</summary>
    Consistent,

    /// <summary>A port for each destination.</summary>
    Random,
}

/// <summary>The DHT as one node sees it.</summary>
public sealed record DhtInfo
{
    /// <summary>True once the node has met its network.</summary>
    public required bool IsReady { get; init; }

    /// <summary>The node's address and port as others see them, as far as known.</summary>
    public required IPEndPoint? PublicAddress { get; init; }

    /// <summary>The socket that others send to.</summary>
    public required IPEndPoint? LocalAddress { get; init; }

    /// <summary>What the translator in front of the node does with its ports, as far as known.</summary>
    public required NatKind Nat { get; init; }

    /// <summary>True for a node that only asks: it stores nothing and shows no id.</summary>
    public required bool IsEphemeral { get; init; }

    /// <summary>False while nobody answers.</summary>
    public required bool IsOnline { get; init; }

    /// <summary>True while more than half of all requests are lost.</summary>
    public required bool IsDegraded { get; init; }

    /// <summary>The node's own id, which others check against its address; null while it is ephemeral.</summary>
    public Hash? Id { get; init; }

    /// <summary>True while nobody can send to the node who was not sent to before, as far as it knows.</summary>
    public bool IsFirewalled { get; init; } = true;

    /// <summary>The key that others relay through this node under; null when it does not relay.</summary>
    public PublicKey? RelayKey { get; init; }

    /// <summary>The contacts whose ids are closest to the node's, closest first.</summary>
    public IReadOnlyList<DhtContact> Nearest { get; init; } = [];

    /// <summary>Contacts by bucket: how many leading bits they share with the node's id.</summary>
    public required IReadOnlyList<DhtBucketInfo> Buckets { get; init; }

    /// <summary>Records kept for others, by kind.</summary>
    public required IReadOnlyDictionary<string, int> Records { get; init; }

    /// <summary>Counters by name, since the start.</summary>
    public required IReadOnlyDictionary<string, long> Statistics { get; init; }
}

/// <summary>A node of the routing table.</summary>
/// <param name="Address">Where it is.</param>
/// <param name="SharedBits">Leading bits that its id shares with ours.</param>
public sealed record DhtContact(IPEndPoint Address, int SharedBits);

/// <summary>One bucket of the routing table.</summary>
/// <param name="SharedBits">Leading bits that its contacts share with the node's id.</param>
/// <param name="Contacts">How many there are.</param>
public sealed record DhtBucketInfo(int SharedBits, int Contacts);
