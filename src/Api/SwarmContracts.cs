namespace HyperActors.Api;

/// <summary>Joins a topic. The node stays in it until it is left, also over restarts of the daemon.</summary>
/// <param name="Topic">32 bytes as z-base-32 or hex: a feed's discovery key, or anything.</param>
/// <param name="Feed">Instead of a topic: the key or the name of a feed.</param>
/// <param name="Server">Announce, so that others find this node.</param>
/// <param name="Client">Look for others, and dial them.</param>
/// <param name="Limit">How many peers of the topic are enough.</param>
/// <param name="Remember">False: the topic is forgotten when the daemon ends.</param>
public sealed record JoinRequest(
    string? Topic = null, string? Feed = null, bool Server = true, bool Client = true, int? Limit = null, bool Remember = true);

/// <summary>A wish to be in a topic.</summary>
/// <param name="Session">Names the wish: ending it leaves the topic when it was the last one.</param>
/// <param name="Topic">The topic, as z-base-32.</param>
public sealed record JoinResult(string Session, string Topic);

/// <summary>A topic that the node is in.</summary>
/// <param name="Topic">The topic, as z-base-32.</param>
/// <param name="Server">True when the node announces itself there.</param>
/// <param name="Client">True when it looks for others there.</param>
/// <param name="Sessions">Who wants it, counted.</param>
/// <param name="PeersFound">Peers that were found there.</param>
/// <param name="Feed">In the status: the name of the feed that is found there, or its key, when this store has it.</param>
public sealed record TopicDto(string Topic, bool Server, bool Client, int Sessions, int PeersFound, string? Feed = null);

/// <summary>A peer that the swarm knows.</summary>
public sealed record SwarmPeerDto(
    string PublicKey, bool Connected, bool Banned, bool Explicit, int Attempts, IReadOnlyList<string> Topics);

/// <summary>A swarm at one moment.</summary>
public sealed record SwarmDto(
    bool Suspended,
    IReadOnlyList<TopicDto> Topics,
    IReadOnlyList<SwarmPeerDto> Peers,
    int Connections,
    int Connecting,
    IReadOnlyDictionary<string, long> Statistics);

/// <summary>What to do about a peer: <c>join</c>, <c>leave</c>, <c>ban</c> or <c>unban</c>.</summary>
public sealed record SwarmPeerRequest(string PublicKey, string Action);

/// <summary>Suspends the swarm, or goes on with it.</summary>
public sealed record SuspendRequest(bool Suspended);

/// <summary>Something that happened in a swarm.</summary>
/// <param name="Kind"><c>connected</c>, <c>disconnected</c>, <c>found</c>, <c>dialFailed</c> or <c>banned</c>.</param>
/// <param name="PublicKey">The peer.</param>
/// <param name="Peer">Of a connection: its other end.</param>
/// <param name="Topics">Where it was found.</param>
/// <param name="Reason">Why, when it went wrong.</param>
public sealed record SwarmEventDto(
    string Kind, string PublicKey, PeerDto? Peer = null, IReadOnlyList<string>? Topics = null, string? Reason = null)
{
    public const string Connected = "connected";
    public const string Disconnected = "disconnected";
    public const string Found = "found";
    public const string DialFailed = "dialFailed";
    public const string Banned = "banned";
}

/// <summary>A peer of a topic.</summary>
/// <param name="PublicKey">Who it is.</param>
/// <param name="RelayAddresses">Nodes that carry a handshake to it.</param>
/// <param name="From">The node that told us.</param>
public sealed record DhtPeerDto(string PublicKey, IReadOnlyList<string> RelayAddresses, string From);

/// <summary>Bytes to store, at most 1000: exactly one of the two is given.</summary>
public sealed record PutImmutableRequest(string? Base64 = null, string? Text = null);

/// <summary>A signed value to store.</summary>
/// <param name="Sequence">Above that of the value before.</param>
/// <param name="Seed">The 32 bytes from which the key pair that signs grows, as base64. It is not kept.</param>
/// <param name="Base64">The bytes, at most 1000; or <paramref name="Text"/>.</param>
/// <param name="Text">The text, stored as UTF-8.</param>
/// <param name="SecretKey">Instead of a seed: the 64 bytes of an Ed25519 secret key, as base64. It is not kept.</param>
public sealed record PutMutableRequest(
    ulong Sequence, string? Seed = null, string? Base64 = null, string? Text = null, string? SecretKey = null)
{
    /// <summary>Says nothing of the secret.</summary>
    public override string ToString() => $"{nameof(PutMutableRequest)} {Sequence}";
}

/// <summary>A value that was stored.</summary>
/// <param name="Key">Under which key.</param>
/// <param name="Nodes">How many nodes took it.</param>
public sealed record PutResult(string Key, int Nodes);

/// <summary>A value of the DHT.</summary>
/// <param name="Base64">Its bytes.</param>
/// <param name="Sequence">Of a signed one: its sequence number.</param>
/// <param name="From">Of a signed one: the node that had it.</param>
public sealed record DhtValueDto(ReadOnlyMemory<byte> Base64, ulong? Sequence = null, string? From = null);

/// <summary>How many nodes keep an announcement.</summary>
public sealed record AnnounceResult(int Nodes);

/// <summary>The node that is asked whether it is there.</summary>
public sealed record PingRequest(string Address);

/// <summary>How long an answer took; null when none came.</summary>
public sealed record PingResult(double? Milliseconds);

/// <summary>One bucket of the routing table.</summary>
/// <param name="SharedBits">Leading bits that its contacts share with the node's id.</param>
/// <param name="Contacts">How many there are.</param>
public sealed record DhtBucketDto(int SharedBits, int Contacts);

/// <summary>The DHT as the node sees it.</summary>
public sealed record DhtStatusDto(
    bool Ready,
    string? PublicAddress,
    string? LocalAddress,
    string Nat,
    bool Ephemeral,
    bool Online,
    bool Degraded,
    IReadOnlyList<DhtBucketDto> Buckets,
    IReadOnlyDictionary<string, int> Records,
    IReadOnlyDictionary<string, long> Statistics,
    string? Id = null,
    bool Firewalled = true,
    IReadOnlyList<DhtContactDto>? Nearest = null,
    string? RelayKey = null);

/// <summary>A node of the routing table.</summary>
/// <param name="Address">Where it is.</param>
/// <param name="SharedBits">Leading bits that its id shares with the node's.</param>
public sealed record DhtContactDto(string Address, int SharedBits);
