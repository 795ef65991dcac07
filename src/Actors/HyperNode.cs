using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using HyperActors.Abstractions;
using HyperActors.Catalog;
using HyperActors.Crypto;
using HyperActors.Udx;

namespace HyperActors.Actors;

/// <summary>A node in this process: feeds on disk, and connections over which they are copied.</summary>
public sealed class HyperNode : IHyperNode
{
    private const int MaxUnseenEvents = 1024;

    private readonly NodeOptions _options;
    private readonly ActorSystem _system;
    private readonly bool _ownsSystem;
    private readonly IActorRef _node;
    private readonly NodeActor.Parts _parts;
    private readonly Lazy<UdxHub> _udx;
    private readonly NodeDht? _dht;
    private readonly NodeSwarm? _swarm;
    private readonly IDisposable[] _owned;
    private readonly Lock _gate = new();
    private readonly Dictionary<IPEndPoint, UdpSocket> _udpSockets = [];
    private int _disposed;

    private HyperNode(
        NodeOptions options, ActorSystem system, bool ownsSystem, IActorRef node, NodeActor.Parts parts, PublicKey publicKey, Lazy<UdxHub> udx, IDisposable[] owned)
    {
        _options = options;
        _system = system;
        _ownsSystem = ownsSystem;
        _node = node;
        _parts = parts;
        PublicKey = publicKey;
        _udx = udx;
        _owned = owned;
        _dht = parts.Dht is { } dht ? new NodeDht(dht, parts.End) : null;
        _swarm = parts.Swarm is { } swarm ? new NodeSwarm(swarm, parts.End) : null;
    }

    /// <inheritdoc/>
    public PublicKey PublicKey { get; }

    /// <inheritdoc/>
    public ISwarm Swarm => _swarm ?? throw WithoutNetwork();

    /// <inheritdoc/>
    public IDht Dht => _dht ?? throw WithoutNetwork();

    /// <summary>The node's streams over UDP, and its UDP sockets. There is no socket and no thread until this is asked for.</summary>
    /// <exception cref="ConnectionFailedException">The node was given no door to UDP.</exception>
    public UdxHub Udx => _udx.Value;

    /// <summary>Opens the storage and starts the node, in an actor system of its own.</summary>
    /// <exception cref="StoreLockedException">Another process holds the storage; the message says which.</exception>
    /// <exception cref="HyperActorsException">The storage cannot be used; the message says why, and what to do.</exception>
    public static async Task<HyperNode> StartAsync(NodeOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        var owned = new List<IDisposable>();
        ActorSystem? system = null;
        try
        {
            FileStoreDisk disk = FileStoreDisk.Open(options.StoragePath);
            owned.Add(disk);
            FeedCatalog catalog = OpenCatalog(disk.CatalogPath);
            owned.Add(catalog);
            system = NodeSystem.Start("hyperactors", options.LoggerFactory);
            IScheduler clock = system.Scheduler;
            var doors = new NodeDoors(
                new TcpNetwork(options.Transport),
                disk,
                RandomSource.System,
                () => UdpDoor.Open(options.Udp, () => clock.MonotonicClock),
                Multicast: options.Network is { } network ? new MulticastDoor(network.LocalInterfaces, IPAddress.Parse(network.Host)) : null);
            return await StartAsync(options, system, doors, catalog, ownsSystem: true, owned, cancellationToken);
        }
        catch
        {
            if (system is not null)
            {
                await system.Terminate();
            }

            Release(owned);
            throw;
        }
    }

    /// <summary>Starts a node in an actor system that is there already, behind doors of the caller's: in simulation, or beside other actors.</summary>
    /// <remarks>The caller keeps system, doors and catalog, and lets go of them after the node.</remarks>
    public static Task<HyperNode> StartAsync(
        NodeOptions options, ActorSystem system, NodeDoors doors, FeedCatalog catalog, CancellationToken cancellationToken = default) =>
        StartAsync(options, system, doors, catalog, ownsSystem: false, [], cancellationToken);

    private static async Task<HyperNode> StartAsync(
        NodeOptions options,
        ActorSystem system,
        NodeDoors doors,
        FeedCatalog catalog,
        bool ownsSystem,
        List<IDisposable> owned,
        CancellationToken cancellationToken)
    {
        byte[] primaryKey = doors.Disk.ReadPrimaryKey(doors.Random);
        KeyPair keys = CorestoreKeys.Derive(primaryKey, CorestoreKeys.ChildNamespace(CorestoreKeys.RootNamespace, "hyperactors"), "node");
        owned.Add(keys);
        var udx = new Lazy<UdxHub>(() => new UdxHub(
            doors.OpenUdp?.Invoke() ?? throw new ConnectionFailedException("this node has no UDP"), options.Udx, doors.Random));
        IActorRef node = system.ActorOf(NodeActor.PropsFor(options, doors, catalog, primaryKey, keys, udx), options.Name);
        NodeActor.Parts parts;
        try
        {
            parts = await node.Ask<NodeActor.Parts>(NodeActor.GetParts.Instance, options.StopTimeout, cancellationToken);
        }
        catch (AskTimeoutException e)
        {
            throw new HyperActorsException("the node did not start; its log says why", e);
        }

        var started = new HyperNode(options, system, ownsSystem, node, parts, keys.PublicKey, udx, [.. owned]);
        if (started._dht is { } dht)
        {
            // It has its sockets now, or the node has failed of them.
            await dht.GetInfoAsync(cancellationToken);
        }

        return started;
    }

    /// <inheritdoc cref="IHyperNode.OpenFeedAsync(string, CancellationToken)"/>
    public async ValueTask<Feed> OpenFeedAsync(string name, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        return await OpenAsync(new CorestoreActor.OpenName(name, ShouldCreate: true), cancellationToken);
    }

    /// <inheritdoc cref="IHyperNode.OpenFeedAsync(FeedKey, CancellationToken)"/>
    public async ValueTask<Feed> OpenFeedAsync(FeedKey key, CancellationToken cancellationToken = default) =>
        await OpenAsync(new CorestoreActor.OpenKey(key, ShouldCreate: true), cancellationToken);

    /// <inheritdoc cref="IHyperNode.FindFeedAsync(string, CancellationToken)"/>
    public ValueTask<Feed?> FindFeedAsync(string name, CancellationToken cancellationToken = default) =>
        FindAsync(new CorestoreActor.OpenName(name, ShouldCreate: false), cancellationToken);

    /// <inheritdoc cref="IHyperNode.FindFeedAsync(FeedKey, CancellationToken)"/>
    public ValueTask<Feed?> FindFeedAsync(FeedKey key, CancellationToken cancellationToken = default) =>
        FindAsync(new CorestoreActor.OpenKey(key, ShouldCreate: false), cancellationToken);

    async ValueTask<IFeed> IHyperNode.OpenFeedAsync(string name, CancellationToken cancellationToken) =>
        await OpenFeedAsync(name, cancellationToken);

    async ValueTask<IFeed> IHyperNode.OpenFeedAsync(FeedKey key, CancellationToken cancellationToken) =>
        await OpenFeedAsync(key, cancellationToken);

    async ValueTask<IFeed?> IHyperNode.FindFeedAsync(string name, CancellationToken cancellationToken) =>
        await FindFeedAsync(name, cancellationToken);

    async ValueTask<IFeed?> IHyperNode.FindFeedAsync(FeedKey key, CancellationToken cancellationToken) =>
        await FindFeedAsync(key, cancellationToken);

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<FeedInfo>> ListFeedsAsync(CancellationToken cancellationToken = default) =>
        (await AskAsync<CorestoreActor.Listed>(_parts.Feeds, CorestoreActor.List.Instance, cancellationToken)).Feeds;

    /// <inheritdoc/>
    public async ValueTask<IPEndPoint> ListenTcpAsync(IPEndPoint address, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(address);
        var listen = new ConnectionsActor.Listen(address);
        return (await AskAsync<ConnectionsActor.ListeningOn>(_parts.Connections, listen, cancellationToken)).Address;
    }

    /// <inheritdoc/>
    public async ValueTask<PeerInfo> ConnectTcpAsync(string host, int port, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(host);
        ArgumentOutOfRangeException.ThrowIfNotEqual(port is > 0 and <= 65_535, true, nameof(port));
        return await AskAsync<PeerInfo>(_parts.Connections, new ConnectionsActor.Dial(host, port), cancellationToken);
    }

    /// <inheritdoc/>
    public async ValueTask<PeerInfo> ConnectUdxAsync(UdxRoute route, CancellationToken cancellationToken = default) =>
        await AdoptAsync(OpenStream(route), isInitiator: true, cancellationToken);

    /// <inheritdoc/>
    public async ValueTask<PeerInfo> AcceptUdxAsync(UdxRoute route, CancellationToken cancellationToken = default)
    {
        UdxTransport transport = OpenStream(route);

        // The handshake has a deadline, and begins with the peer: until then there is a stream and no connection.
        using (cancellationToken.Register(transport.Dispose))
        using (_parts.End.Stopped.Register(transport.Dispose))
        {
            await transport.WaitForPeerAsync();
        }

        cancellationToken.ThrowIfCancellationRequested();
        return await AdoptAsync(transport, isInitiator: false, cancellationToken);
    }

    /// <inheritdoc/>
    public void SendMessage(long connectionId, ReadOnlyMemory<byte> message)
    {
        ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed) != 0, this);
        _parts.Connections.Tell(new ConnectionsActor.SendUnordered(connectionId, message), ActorRefs.NoSender);
    }

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<PeerConnection>> ListConnectionsAsync(CancellationToken cancellationToken = default) =>
        (await AskAsync<ConnectionsActor.Listed>(_parts.Connections, ConnectionsActor.List.Instance, cancellationToken)).Connections;

    /// <summary>Takes up other limits while the node lives: those of connections that come from now on, the rates of all, those of the swarm, and of what the DHT
    /// asks and answers (docs/operating.md#configuration). Nothing else of the options is looked at.</summary>
    public void Reconfigure(NodeOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        _parts.Connections.Tell(new ConnectionsActor.Reconfigure(options.Connections), ActorRefs.NoSender);
        if (options.Network is { } network)
        {
            _parts.Swarm?.Tell(new SwarmActor.Reconfigure(network.Swarm), ActorRefs.NoSender);
            _parts.Dht?.Tell(new DhtActor.Limit(network.Limits), ActorRefs.NoSender);
        }
    }

    /// <summary>The tree of actors that this node is part of, from the root down; null where the engine keeps no such account.</summary>
    public ActorView? LookAtActors() => ActorView.Of(_system);

    /// <inheritdoc/>
    public async IAsyncEnumerable<ConnectionEvent> WatchConnectionsAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var events = Channel.CreateBounded<ConnectionEvent>(
            new BoundedChannelOptions(MaxUnseenEvents) { FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true });
        using CancellationTokenRegistration stopped = _parts.End.Stopped.Register(() => events.Writer.TryComplete());
        _parts.Connections.Tell(new ConnectionsActor.Watch(events.Writer), ActorRefs.NoSender);
        try
        {
            // Not ReadAllAsync: it leaves the caller's context, and with it a deterministic run.
            while (await events.Reader.WaitToReadAsync(cancellationToken))
            {
                while (events.Reader.TryRead(out ConnectionEvent? connectionEvent))
                {
                    yield return connectionEvent;
                }
            }
        }
        finally
        {
            _parts.Connections.Tell(new ConnectionsActor.Unwatch(events.Writer), ActorRefs.NoSender);
        }
    }

    /// <summary>Ends connections in order, closes feeds and lets go of the storage, within <see cref="NodeOptions.StopTimeout"/>.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        try
        {
            await _node.Ask<NodeActor.Stopped>(NodeActor.Stop.Instance, _options.StopTimeout);
        }
        catch (Exception e) when (e is AskTimeoutException or OperationCanceledException)
        {
            // What has not ended by now is cut off: every acknowledged block is in the log already.
            _system.Stop(_node);
        }

        if (_udx.IsValueCreated)
        {
            // Both sides of a stream are over once the last acknowledgement is here: that is worth a moment.
            await _udx.Value.CloseAsync(_options.UdxStopTimeout);
        }

        if (_ownsSystem)
        {
            await _system.Terminate();
        }

        Release(_owned);
    }

    // The directories know all that the catalog knows: a damaged one is put aside, and written again as feeds are opened.
    private static FeedCatalog OpenCatalog(string path)
    {
        try
        {
            return FeedCatalog.Open(path);
        }
        catch (InvalidDataException)
        {
            FeedCatalog.SetAside(path);
            return FeedCatalog.Open(path);
        }
        catch (IOException e)
        {
            throw new HyperActorsException($"the catalog {path} cannot be used: {e.Message}", e);
        }
    }

    /// <summary>Stops without a word to anyone, as when the process dies. What was acknowledged is on disk.</summary>
    internal void Abort()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            _system.Stop(_node);
            if (_udx.IsValueCreated)
            {
                _udx.Value.Dispose();
            }

            Release(_owned);
        }
    }

    private static void Release(IReadOnlyList<IDisposable> owned)
    {
        for (int i = owned.Count - 1; i >= 0; i--)
        {
            owned[i].Dispose();
        }
    }

    private async ValueTask<Feed?> FindAsync(object request, CancellationToken cancellationToken)
    {
        try
        {
            return await OpenAsync(request, cancellationToken);
        }
        catch (FeedNotFoundException)
        {
            return null;
        }
    }

    private async Task<Feed> OpenAsync(object request, CancellationToken cancellationToken)
    {
        CorestoreActor.FeedOpened opened =
            await AskAsync<CorestoreActor.FeedOpened>(_parts.Feeds, request, cancellationToken);
        return new Feed(opened.View, opened.Actor);
    }

    private UdxTransport OpenStream(UdxRoute route)
    {
        ArgumentNullException.ThrowIfNull(route);
        ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed) != 0, this);
        UdpSocket socket = BindUdp(route.Local);
        UdxTransport transport = UdxTransport.Open(Udx, route.LocalId)
            ?? throw new ConnectionFailedException($"the stream id {route.LocalId} is in use");
        transport.Connection.Connect(socket, route.RemoteId, new UdxAddress(route.Remote));
        return transport;
    }

    // One socket an address, however many streams there are on it; port 0 is a new one every time.
    private UdpSocket BindUdp(IPEndPoint address)
    {
        lock (_gate)
        {
            if (address.Port != 0 && _udpSockets.TryGetValue(address, out UdpSocket? socket))
            {
                return socket;
            }

            try
            {
                socket = Udx.Bind(address);
            }
            catch (SocketException e)
            {
                throw new ConnectionFailedException($"cannot use {address}: {TcpNetwork.Explain(e)}", e);
            }

            _udpSockets[address] = socket;
            return socket;
        }
    }

    private async Task<PeerInfo> AdoptAsync(UdxTransport transport, bool isInitiator, CancellationToken cancellationToken)
    {
        var adopt = new ConnectionsActor.Adopt(0, transport, isInitiator);
        return await AskAsync<object>(_parts.Connections, adopt, cancellationToken) switch
        {
            ConnectionsActor.Adopted adopted => adopted.Peer,
            ConnectionsActor.AdoptFailed failed => throw new ConnectionFailedException(failed.Reason),
            object answer => throw new InvalidOperationException($"the connections answered {answer}"),
        };
    }

    private async Task<T> AskAsync<T>(IActorRef actor, object message, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed) != 0, this);
        using CancellationTokenSource? either = cancellationToken.CanBeCanceled
            ? CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _parts.End.Stopped)
            : null;
        try
        {
            return await actor.Ask<T>(message, Timeout.InfiniteTimeSpan, either?.Token ?? _parts.End.Stopped);
        }
        catch (OperationCanceledException)
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw _parts.End.ToFailure();
        }
    }

    private static HyperActorsException WithoutNetwork() => new("this node was started without a network: it has no DHT and no swarm");
}
