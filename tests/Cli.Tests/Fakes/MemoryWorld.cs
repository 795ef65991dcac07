using System.Collections.Concurrent;
using System.Net;
using System.Text;
using HyperActors.Abstractions;
using HyperActors.Actors;
using HyperActors.Cli.Node;
using HyperActors.Crypto;
using HyperActors.Daemon;
using Microsoft.Extensions.Logging;

namespace HyperActors.Cli.Tests.Fakes;

/// <summary>Storages and addresses that exist in memory alone.</summary>
internal sealed class MemoryWorld : INodeFactory
{
    private readonly ConcurrentDictionary<string, MemoryNode> _nodes = new();

    /// <summary>Who waits for a stream, by port and id.</summary>
    public ConcurrentDictionary<(int Port, uint Id), (MemoryNode Node, TaskCompletionSource<PeerInfo> Waiting)> Streams { get; } = new();

    /// <summary>Who listens where.</summary>
    public ConcurrentDictionary<int, MemoryNode> Listeners { get; } = new();

    /// <summary>How often dialling fails before it succeeds.</summary>
    public int RefusedDials { get; set; }

    public bool Exists(string storagePath) => _nodes.ContainsKey(storagePath);

    public IReadOnlyList<StoredFeed> Look(string storagePath) =>
        _nodes.TryGetValue(storagePath, out MemoryNode? node) ? [.. node.Feeds.Select(f => new StoredFeed(f.Name, f.Key.ToString()))] : [];

    public ValueTask<IHyperNode> StartAsync(
        string storagePath, ILoggerFactory log, NetworkOptions? network, CancellationToken cancellationToken)
    {
        MemoryNode node = Storage(storagePath);
        log.CreateLogger("HyperActors").LogWarning("the storage {Path} is opened", storagePath);
        return node.Open() ? ValueTask.FromResult<IHyperNode>(node) : throw new StoreLockedException($"{storagePath} is in use by process 4711");
    }

    public MemoryNode Storage(string storagePath) => _nodes.GetOrAdd(storagePath, path => new MemoryNode(this, path));
}

internal sealed class MemoryNode(MemoryWorld world, string path) : IHyperNode
{
    private readonly List<MemoryFeed> _feeds = [];
    private readonly List<MemoryNode> _peers = [];
    private int _isOpen;

    public ISwarm Swarm => throw new HyperActorsException("no network here");

    public IDht Dht => throw new HyperActorsException("no network here");

    public PublicKey PublicKey { get; } = new(Digest(path));

    public IReadOnlyList<MemoryNode> Peers => _peers;

    public bool Open() => Interlocked.Exchange(ref _isOpen, 1) == 0;

    public IReadOnlyList<MemoryFeed> Feeds => _feeds;

    public MemoryFeed? Find(FeedKey key) => _feeds.Find(feed => feed.Key == key);

    public MemoryFeed Make(string name)
    {
        MemoryFeed? feed = _feeds.Find(f => f.Name == name);
        if (feed is null)
        {
            feed = new MemoryFeed(this, name, new FeedKey(Digest($"{path}/{name}")), isWritable: true);
            _feeds.Add(feed);
        }

        return feed;
    }

    public ValueTask<IFeed> OpenFeedAsync(string name, CancellationToken cancellationToken = default) => ValueTask.FromResult<IFeed>(Make(name));

    public ValueTask<IFeed?> FindFeedAsync(string name, CancellationToken cancellationToken = default) =>
        ValueTask.FromResult<IFeed?>(_feeds.Find(feed => feed.Name == name));

    public ValueTask<IFeed?> FindFeedAsync(FeedKey key, CancellationToken cancellationToken = default) =>
        ValueTask.FromResult<IFeed?>(Find(key));

    public ValueTask<IFeed> OpenFeedAsync(FeedKey key, CancellationToken cancellationToken = default)
    {
        MemoryFeed? feed = Find(key);
        if (feed is null)
        {
            feed = new MemoryFeed(this, null, key, isWritable: false);
            _feeds.Add(feed);
        }

        return ValueTask.FromResult<IFeed>(feed);
    }

    public ValueTask<IReadOnlyList<FeedInfo>> ListFeedsAsync(CancellationToken cancellationToken = default) =>
        ValueTask.FromResult<IReadOnlyList<FeedInfo>>([.. _feeds.Select(feed => feed.Info)]);

    public ValueTask<IPEndPoint> ListenTcpAsync(IPEndPoint address, CancellationToken cancellationToken = default)
    {
        int port = address.Port == 0 ? 40_000 + world.Listeners.Count : address.Port;
        return world.Listeners.TryAdd(port, this)
            ? ValueTask.FromResult(new IPEndPoint(address.Address, port))
            : throw new ConnectionFailedException($"port {port} is taken");
    }

    public ValueTask<PeerInfo> ConnectTcpAsync(string host, int port, CancellationToken cancellationToken = default)
    {
        if (world.RefusedDials-- > 0 || !world.Listeners.TryGetValue(port, out MemoryNode? peer))
        {
            throw new ConnectionFailedException("connection refused");
        }

        _peers.Add(peer);
        return ValueTask.FromResult(new PeerInfo(_peers.Count, peer.PublicKey, new IPEndPoint(IPAddress.Loopback, port), IsInitiator: true));
    }

    public async ValueTask<PeerInfo> ConnectUdxAsync(UdxRoute route, CancellationToken cancellationToken = default)
    {
        if (!world.Streams.TryRemove((route.Remote.Port, route.RemoteId), out (MemoryNode Node, TaskCompletionSource<PeerInfo> Waiting) peer))
        {
            throw new ConnectionFailedException("the peer does not answer");
        }

        _peers.Add(peer.Node);
        peer.Waiting.SetResult(new PeerInfo(1, PublicKey, route.Local, IsInitiator: false));
        return await ValueTask.FromResult(new PeerInfo(_peers.Count, peer.Node.PublicKey, route.Remote, IsInitiator: true));
    }

    public async ValueTask<PeerInfo> AcceptUdxAsync(UdxRoute route, CancellationToken cancellationToken = default)
    {
        var waiting = new TaskCompletionSource<PeerInfo>(TaskCreationOptions.RunContinuationsAsynchronously);
        world.Streams[(route.Local.Port, route.LocalId)] = (this, waiting);
        return await waiting.Task.WaitAsync(cancellationToken);
    }

    public void SendMessage(long connectionId, ReadOnlyMemory<byte> message)
    {
        // Messages may be lost.
    }

    public ValueTask<IReadOnlyList<PeerConnection>> ListConnectionsAsync(CancellationToken cancellationToken = default) =>
        ValueTask.FromResult<IReadOnlyList<PeerConnection>>([]);

    public async IAsyncEnumerable<ConnectionEvent> WatchConnectionsAsync(
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken);
        yield break;
    }

    public ValueTask DisposeAsync()
    {
        _isOpen = 0;
        _peers.Clear();
        return ValueTask.CompletedTask;
    }

    private static byte[] Digest(string text)
    {
        byte[] digest = new byte[32];
        Blake2b.Hash(Encoding.UTF8.GetBytes(text), digest);
        return digest;
    }
}

internal sealed class MemoryFeed(MemoryNode node, string? name, FeedKey key, bool isWritable) : IFeed
{
    public List<byte[]?> Blocks { get; } = [];

    /// <summary>How many blocks came with each append.</summary>
    public List<int> Batches { get; } = [];

    /// <summary>Appends that succeed before the disk is full.</summary>
    public int AppendsUntilDiskIsFull { get; set; } = int.MaxValue;

    public string? Name => name;

    public FeedKey Key => key;

    public DiscoveryKey DiscoveryKey { get; } = key.ToDiscoveryKey();

    public bool IsWritable => isWritable;

    public ulong Length => (ulong)Blocks.Count;

    public ulong ByteLength => (ulong)Blocks.Sum(block => block?.Length ?? 0);

    public ulong Fork { get; private set; }

    /// <summary>Why the feed cannot be opened.</summary>
    public string? Damage { get; set; }

    public ulong ContiguousLength => (ulong)Blocks.TakeWhile(block => block is not null).Count();

    public FeedInfo Info => new()
    {
        Name = Name,
        Key = Key,
        DiscoveryKey = DiscoveryKey,
        Length = Length,
        ByteLength = ByteLength,
        Fork = Fork,
        ContiguousLength = ContiguousLength,
        IsWritable = IsWritable,
        Damage = Damage,
        PeerCount = Sources().Count(),
    };

    public ValueTask<FeedInfo> GetInfoAsync(CancellationToken cancellationToken = default) => ValueTask.FromResult(Info);

    public ValueTask<ulong> AppendAsync(ReadOnlyMemory<byte> block, CancellationToken cancellationToken = default) =>
        AppendAsync([block], cancellationToken);

    public ValueTask<ulong> AppendAsync(IReadOnlyList<ReadOnlyMemory<byte>> blocks, CancellationToken cancellationToken = default)
    {
        if (AppendsUntilDiskIsFull-- <= 0)
        {
            throw new HyperActorsException("no space left on device");
        }

        Blocks.AddRange(blocks.Select(block => block.ToArray()));
        Batches.Add(blocks.Count);
        return ValueTask.FromResult(Length);
    }

    public ValueTask<bool> HasAsync(ulong index, CancellationToken cancellationToken = default) =>
        ValueTask.FromResult(index < Length && Blocks[(int)index] is not null);

    public async ValueTask<Block> GetAsync(ulong index, CancellationToken cancellationToken = default)
    {
        if (!await HasAsync(index, cancellationToken))
        {
            Fetch(index, index + 1);
        }

        return new Block(index, Blocks[(int)index]);
    }

    public ValueTask<Block?> TryGetAsync(ulong index, CancellationToken cancellationToken = default) =>
        ValueTask.FromResult(index < Length && Blocks[(int)index] is { } block ? new Block(index, block) : (Block?)null);

    public async IAsyncEnumerable<Block> ReadAsync(
        ulong from = 0,
        ulong? to = null,
        bool live = false,
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        for (ulong index = from; index < (to ?? Length); index++)
        {
            yield return await GetAsync(index, cancellationToken);
        }

        if (live && to is null)
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken);
        }
    }

    public ValueTask TruncateAsync(ulong length, CancellationToken cancellationToken = default)
    {
        Blocks.RemoveRange((int)length, Blocks.Count - (int)length);
        Fork++;
        return ValueTask.CompletedTask;
    }

    public ValueTask<bool> UpdateAsync(CancellationToken cancellationToken = default)
    {
        ulong before = Length;
        foreach (MemoryFeed source in Sources())
        {
            Blocks.AddRange(source.Blocks.Skip(Blocks.Count).Select(_ => (byte[]?)null));
        }

        return ValueTask.FromResult(Length > before);
    }

    public async Task DownloadAsync(
        ulong from = 0, ulong? to = null, IProgress<DownloadProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        while (!Sources().Any())
        {
            await Task.Delay(1, cancellationToken);
        }

        await UpdateAsync(cancellationToken);
        ulong bytes = 0;
        ulong end = to ?? Length;
        for (ulong index = from; index < Math.Min(end, Length); index++)
        {
            bytes += Fetch(index, index + 1);
            progress?.Report(new DownloadProgress(index + 1 - from, end - from, bytes));
        }

        if (to is null || to > Length)
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken);
        }
    }

    public ValueTask<BytePosition?> SeekAsync(ulong byteOffset, CancellationToken cancellationToken = default) =>
        ValueTask.FromResult<BytePosition?>(null);

    public ValueTask<FeedMap> GetMapAsync(int maxCells = 64, CancellationToken cancellationToken = default) =>
        ValueTask.FromResult(new FeedMap(Length, 0, default));

    public ValueTask<IReadOnlyList<FeedPeer>> GetPeersAsync(CancellationToken cancellationToken = default) =>
        ValueTask.FromResult<IReadOnlyList<FeedPeer>>([]);

    public async IAsyncEnumerable<FeedEvent> WatchAsync(
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken);
        yield break;
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private IEnumerable<MemoryFeed> Sources() => node.Peers.Select(peer => peer.Find(Key)).OfType<MemoryFeed>();

    private ulong Fetch(ulong from, ulong to)
    {
        ulong bytes = 0;
        for (ulong index = from; index < Math.Min(to, Length); index++)
        {
            byte[] block = Sources().Select(source => source.Blocks[(int)index]).First(block => block is not null)!;
            bytes += Blocks[(int)index] is null ? (ulong)block.Length : 0;
            Blocks[(int)index] = block;
        }

        return bytes;
    }
}
