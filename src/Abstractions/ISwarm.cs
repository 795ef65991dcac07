using HyperActors.Crypto;

namespace HyperActors.Abstractions;

/// <summary>Finds peers by topic and keeps connections to them. Feeds are copied over every connection of a swarm.</summary>
public interface ISwarm
{
    /// <summary>Announces the node under a topic, looks for others there, and stays connected to them until the session is disposed.</summary>
    /// <param name="topic">What to meet at: a feed's discovery key, or any 32 bytes.</param>
    /// <param name="options">Only look, only announce, or a limit; null for both without one.</param>
    /// <param name="cancellationToken">Gives up the wish to join.</param>
    ValueTask<ISwarmSession> JoinAsync(DiscoveryKey topic, SwarmJoinOptions? options = null, CancellationToken cancellationToken = default);

    /// <summary>Ends every session of a topic and takes the announcement back. Connections stay.</summary>
    ValueTask LeaveAsync(DiscoveryKey topic, CancellationToken cancellationToken = default);

    /// <summary>Waits until every topic has been looked up once more and every peer found so far has been tried once.</summary>
    ValueTask FlushAsync(CancellationToken cancellationToken = default);

    /// <summary>Connects to a peer by its key and stays connected, topic or not.</summary>
    ValueTask JoinPeerAsync(PublicKey peer, CancellationToken cancellationToken = default);

    /// <summary>Takes <see cref="JoinPeerAsync"/> back. An open connection stays.</summary>
    ValueTask LeavePeerAsync(PublicKey peer, CancellationToken cancellationToken = default);

    /// <summary>Neither dials that peer any more nor lets it in; an open connection is closed.</summary>
    ValueTask BanAsync(PublicKey peer, CancellationToken cancellationToken = default);

    /// <summary>Takes a ban back.</summary>
    ValueTask UnbanAsync(PublicKey peer, CancellationToken cancellationToken = default);

    /// <summary>Takes announcements back, closes connections and sockets, until <see cref="ResumeAsync"/>.</summary>
    ValueTask SuspendAsync(CancellationToken cancellationToken = default);

    /// <summary>Goes on where <see cref="SuspendAsync"/> stopped.</summary>
    ValueTask ResumeAsync(CancellationToken cancellationToken = default);

    /// <summary>What the swarm does at this moment.</summary>
    ValueTask<SwarmInfo> GetInfoAsync(CancellationToken cancellationToken = default);

    /// <summary>What happens in the swarm. Ends with the token, or with the node.</summary>
    IAsyncEnumerable<SwarmEvent> WatchAsync(CancellationToken cancellationToken = default);
}

/// <summary>One wish to be in a topic. The topic is left when its last session is disposed.</summary>
public interface ISwarmSession : IAsyncDisposable
{
    /// <summary>What is met at.</summary>
    DiscoveryKey Topic { get; }

    /// <summary>Announces and looks again, now.</summary>
    ValueTask RefreshAsync(CancellationToken cancellationToken = default);

    /// <summary>Waits until the announcement and the lookup that run have ended: whoever joins from then on finds this node.</summary>
    ValueTask FlushAsync(CancellationToken cancellationToken = default);
}

/// <summary>How to be in a topic.</summary>
public sealed record SwarmJoinOptions
{
    /// <summary>Announce, so that others find and dial this node.</summary>
    public bool Server { get; set; } = true;

    /// <summary>Look for others, and dial them.</summary>
    public bool Client { get; set; } = true;

    /// <summary>How many peers of this topic are enough; null for no limit.</summary>
    public int? Limit { get; set; }
}

/// <summary>A swarm at one moment.</summary>
public sealed record SwarmInfo
{
    /// <summary>True between <see cref="ISwarm.SuspendAsync"/> and <see cref="ISwarm.ResumeAsync"/>.</summary>
    public required bool IsSuspended { get; init; }

    /// <summary>The topics that are joined.</summary>
    public required IReadOnlyList<SwarmTopicInfo> Topics { get; init; }

    /// <summary>The peers that are known, connected or not.</summary>
    public required IReadOnlyList<SwarmPeerInfo> Peers { get; init; }

    /// <summary>Connections that are open.</summary>
    public required int Connections { get; init; }

    /// <summary>Dials under way.</summary>
    public required int Connecting { get; init; }

    /// <summary>Counters by name, since the start.</summary>
    public required IReadOnlyDictionary<string, long> Statistics { get; init; }
}

/// <summary>A topic that the swarm is in.</summary>
/// <param name="Topic">Which.</param>
/// <param name="IsServer">True when the node is announced there.</param>
/// <param name="IsClient">True when others are looked for.</param>
/// <param name="Sessions">Wishes to be there that are not disposed.</param>
/// <param name="PeersFound">Peers that the topic has shown so far.</param>
public sealed record SwarmTopicInfo(DiscoveryKey Topic, bool IsServer, bool IsClient, int Sessions, int PeersFound);

/// <summary>A peer that the swarm knows.</summary>
public sealed record SwarmPeerInfo
{
    /// <summary>Who it is.</summary>
    public required PublicKey PublicKey { get; init; }

    /// <summary>True while a connection to it is open.</summary>
    public required bool IsConnected { get; init; }

    /// <summary>True when it is neither dialled nor let in.</summary>
    public required bool IsBanned { get; init; }

    /// <summary>True when it was asked for by key.</summary>
    public required bool IsExplicit { get; init; }

    /// <summary>Dials that failed since one lasted.</summary>
    public required int Attempts { get; init; }

    /// <summary>Topics under which it was found.</summary>
    public required IReadOnlyList<DiscoveryKey> Topics { get; init; }
}

/// <summary>Something that happened in a swarm.</summary>
public abstract record SwarmEvent
{
    private SwarmEvent()
    {
    }

    /// <summary>A connection is open.</summary>
    /// <param name="Peer">Who is there.</param>
    /// <param name="Topics">Topics under which it was found; empty for peers that dialled us.</param>
    public sealed record Connected(PeerInfo Peer, IReadOnlyList<DiscoveryKey> Topics) : SwarmEvent;

    /// <summary>A connection ended.</summary>
    /// <param name="PublicKey">Who was there.</param>
    /// <param name="Reason">Why, in words; null for an orderly end.</param>
    public sealed record Disconnected(PublicKey PublicKey, string? Reason) : SwarmEvent;

    /// <summary>A topic showed a peer.</summary>
    /// <param name="PublicKey">Who it is.</param>
    /// <param name="Topic">Where it is announced.</param>
    public sealed record PeerFound(PublicKey PublicKey, DiscoveryKey Topic) : SwarmEvent;

    /// <summary>A dial came to nothing.</summary>
    /// <param name="PublicKey">Who was dialled.</param>
    /// <param name="Reason">Why, in words.</param>
    public sealed record DialFailed(PublicKey PublicKey, string Reason) : SwarmEvent;

    /// <summary>A peer is not wanted any more.</summary>
    /// <param name="PublicKey">Who.</param>
    public sealed record Banned(PublicKey PublicKey) : SwarmEvent;
}
