using System.Collections.Concurrent;
using System.Net;
using System.Threading.Channels;
using HyperActors.Abstractions;
using HyperActors.Crypto;

namespace HyperActors.Daemon.Tests;

/// <summary>A node whose swarm is another one.</summary>
internal sealed class NodeWithSwarm(IHyperNode node, ISwarm swarm) : IHyperNode
{
    public PublicKey PublicKey => node.PublicKey;

    public ISwarm Swarm => swarm;

    public IDht Dht { get; } = new FakeDht();

    public ValueTask<IFeed> OpenFeedAsync(string name, CancellationToken cancellationToken = default) => node.OpenFeedAsync(name, cancellationToken);

    public ValueTask<IFeed?> FindFeedAsync(string name, CancellationToken cancellationToken = default) => node.FindFeedAsync(name, cancellationToken);

    public ValueTask<IFeed?> FindFeedAsync(FeedKey key, CancellationToken cancellationToken = default) =>
        node.FindFeedAsync(key, cancellationToken);

    public ValueTask<IFeed> OpenFeedAsync(FeedKey key, CancellationToken cancellationToken = default) => node.OpenFeedAsync(key, cancellationToken);

    public ValueTask<IReadOnlyList<FeedInfo>> ListFeedsAsync(CancellationToken cancellationToken = default) => node.ListFeedsAsync(cancellationToken);

    public ValueTask<IPEndPoint> ListenTcpAsync(IPEndPoint address, CancellationToken cancellationToken = default) =>
        node.ListenTcpAsync(address, cancellationToken);

    public ValueTask<PeerInfo> ConnectTcpAsync(string host, int port, CancellationToken cancellationToken = default) =>
        node.ConnectTcpAsync(host, port, cancellationToken);

    public ValueTask<PeerInfo> ConnectUdxAsync(UdxRoute route, CancellationToken cancellationToken = default) =>
        node.ConnectUdxAsync(route, cancellationToken);

    public ValueTask<PeerInfo> AcceptUdxAsync(UdxRoute route, CancellationToken cancellationToken = default) =>
        node.AcceptUdxAsync(route, cancellationToken);

    public void SendMessage(long connectionId, ReadOnlyMemory<byte> message) => node.SendMessage(connectionId, message);

    public ValueTask<IReadOnlyList<PeerConnection>> ListConnectionsAsync(CancellationToken cancellationToken = default) =>
        node.ListConnectionsAsync(cancellationToken);

    public IAsyncEnumerable<ConnectionEvent> WatchConnectionsAsync(CancellationToken cancellationToken = default) =>
        node.WatchConnectionsAsync(cancellationToken);

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}

/// <summary>Remembers what it was asked for.</summary>
internal sealed class FakeSwarm : ISwarm
{
    private readonly Channel<SwarmEvent> _events = Channel.CreateUnbounded<SwarmEvent>();

    public ConcurrentDictionary<DiscoveryKey, SwarmJoinOptions> Topics { get; } = new();

    public ConcurrentQueue<string> Calls { get; } = new();

    public bool IsSuspended { get; private set; }

    public void Happen(SwarmEvent happened) => _events.Writer.TryWrite(happened);

    public ValueTask<ISwarmSession> JoinAsync(
        DiscoveryKey topic, SwarmJoinOptions? options = null, CancellationToken cancellationToken = default)
    {
        Topics[topic] = options ?? new SwarmJoinOptions();
        return ValueTask.FromResult<ISwarmSession>(new Session(this, topic));
    }

    public ValueTask LeaveAsync(DiscoveryKey topic, CancellationToken cancellationToken = default)
    {
        Topics.TryRemove(topic, out _);
        return ValueTask.CompletedTask;
    }

    public ValueTask FlushAsync(CancellationToken cancellationToken = default) => Note("flush");

    public ValueTask JoinPeerAsync(PublicKey peer, CancellationToken cancellationToken = default) => Note($"join {peer}");

    public ValueTask LeavePeerAsync(PublicKey peer, CancellationToken cancellationToken = default) => Note($"leave {peer}");

    public ValueTask BanAsync(PublicKey peer, CancellationToken cancellationToken = default) => Note($"ban {peer}");

    public ValueTask UnbanAsync(PublicKey peer, CancellationToken cancellationToken = default) => Note($"unban {peer}");

    public ValueTask SuspendAsync(CancellationToken cancellationToken = default)
    {
        IsSuspended = true;
        return ValueTask.CompletedTask;
    }

    public ValueTask ResumeAsync(CancellationToken cancellationToken = default)
    {
        IsSuspended = false;
        return ValueTask.CompletedTask;
    }

    public ValueTask<SwarmInfo> GetInfoAsync(CancellationToken cancellationToken = default) => ValueTask.FromResult(new SwarmInfo
    {
        IsSuspended = IsSuspended,
        Topics = [.. Topics.Select(t => new SwarmTopicInfo(t.Key, t.Value.Server, t.Value.Client, 1, 2))],
        Peers = [],
        Connections = 0,
        Connecting = 0,
        Statistics = new Dictionary<string, long> { ["dials"] = 3 },
    });

    public IAsyncEnumerable<SwarmEvent> WatchAsync(CancellationToken cancellationToken = default) =>
        _events.Reader.ReadAllAsync(cancellationToken);

    private ValueTask Note(string call)
    {
        Calls.Enqueue(call);
        return ValueTask.CompletedTask;
    }

    private sealed class Session(FakeSwarm swarm, DiscoveryKey topic) : ISwarmSession
    {
        public DiscoveryKey Topic => topic;

        public ValueTask RefreshAsync(CancellationToken cancellationToken = default) => swarm.Note("refresh");

        public ValueTask FlushAsync(CancellationToken cancellationToken = default) => swarm.Note("flush session");

        public ValueTask DisposeAsync() => swarm.LeaveAsync(topic);
    }
}

/// <summary>A table with one node: itself.</summary>
internal sealed class FakeDht : IDht
{
    public static readonly IPEndPoint Address = new(IPAddress.Loopback, 49_737);

    private readonly ConcurrentDictionary<string, byte[]> _values = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, DhtMutable> _signed = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<DiscoveryKey, DhtPeer> _announced = new();

    public async IAsyncEnumerable<DhtPeer> LookupAsync(
        DiscoveryKey topic, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await Task.Yield();
        if (_announced.TryGetValue(topic, out DhtPeer? peer))
        {
            yield return peer;
        }
    }

    public ValueTask<int> AnnounceAsync(DiscoveryKey topic, CancellationToken cancellationToken = default)
    {
        _announced[topic] = new DhtPeer(new PublicKey(topic.AsSpan()), [Address], Address);
        return ValueTask.FromResult(1);
    }

    public ValueTask UnannounceAsync(DiscoveryKey topic, CancellationToken cancellationToken = default)
    {
        _announced.TryRemove(topic, out _);
        return ValueTask.CompletedTask;
    }

    public ValueTask<DhtPeer?> FindPeerAsync(PublicKey peer, CancellationToken cancellationToken = default) =>
        ValueTask.FromResult<DhtPeer?>(null);

    public ValueTask<DhtPut> PutImmutableAsync(ReadOnlyMemory<byte> value, CancellationToken cancellationToken = default)
    {
        byte[] hash = new byte[32];
        Blake2b.Hash(value.Span, hash);
        _values[Convert.ToHexStringLower(hash)] = value.ToArray();
        return ValueTask.FromResult(new DhtPut(new Hash(hash), 1));
    }

    public ValueTask<ReadOnlyMemory<byte>?> GetImmutableAsync(Hash key, CancellationToken cancellationToken = default) =>
        ValueTask.FromResult<ReadOnlyMemory<byte>?>(_values.TryGetValue(key.ToString(), out byte[]? value) ? (ReadOnlyMemory<byte>?)value : null);

    public ValueTask<DhtPut> PutMutableAsync(
        KeyPair keys, ReadOnlyMemory<byte> value, ulong sequence, CancellationToken cancellationToken = default)
    {
        _signed[keys.PublicKey.ToString()] = new DhtMutable(sequence, value.ToArray(), Address);
        return ValueTask.FromResult(new DhtPut(new Hash(keys.PublicKey.AsSpan()), 1));
    }

    public ValueTask<DhtMutable?> GetMutableAsync(PublicKey key, ulong minSequence = 0, CancellationToken cancellationToken = default) =>
        ValueTask.FromResult(_signed.TryGetValue(key.ToString(), out DhtMutable? value) && value.Sequence >= minSequence ? value : null);

    public ValueTask<TimeSpan?> PingAsync(IPEndPoint address, CancellationToken cancellationToken = default) =>
        ValueTask.FromResult<TimeSpan?>(address.Equals(Address) ? TimeSpan.FromMilliseconds(2) : null);

    public ValueTask<PeerInfo> ConnectAsync(PublicKey peer, CancellationToken cancellationToken = default) =>
        throw new ConnectionFailedException("nobody knows where that peer is");

    public ValueTask ListenAsync(CancellationToken cancellationToken = default) => ValueTask.CompletedTask;

    public ValueTask WaitUntilReadyAsync(CancellationToken cancellationToken = default) => ValueTask.CompletedTask;

    public ValueTask<DhtInfo> GetInfoAsync(CancellationToken cancellationToken = default) => ValueTask.FromResult(new DhtInfo
    {
        IsReady = true,
        PublicAddress = Address,
        LocalAddress = Address,
        Nat = NatKind.Consistent,
        IsEphemeral = true,
        IsOnline = true,
        IsDegraded = false,
        Buckets = [new DhtBucketInfo(0, 20), new DhtBucketInfo(3, 4)],
        Records = new Dictionary<string, int> { ["announcements"] = 5 },
        Statistics = new Dictionary<string, long> { ["queries"] = 7 },
    });
}
