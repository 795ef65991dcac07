using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.ExceptionServices;
using HyperActors.Crypto;

namespace HyperActors.Dht;

/// <summary>Connections by public key, in both directions, through whatever NATs lie between (docs/holepunching.md).</summary>
/// <remarks>
/// <para>It shares the turn and the time of its <see cref="DhtNode"/>: the owner looks at the node's deadline as before, and at
/// <see cref="Deadline"/> for the blind relay alone. Beside the node's own entry points it hears of probes (datagrams of one byte),
/// of streams, and of the links to blind relays.</para>
/// <para>Requests of the DHT go to <see cref="TryHandle"/> before anybody else looks at them: a node's duty to pass on what is meant
/// for others begins where this answers false.</para>
/// </remarks>
public sealed partial class Connector
{
    private readonly Dictionary<uint, IStreamOwner> _streams = [];
    private readonly Dictionary<Hash, Listener> _listeners = [];
    private readonly Dictionary<IRawStream, RelayLeg> _relayLegs = [];
    private readonly Queue<ConnectorEvent> _events = new();
    private readonly PeerCache<ImmutableArray<DhtAddress>> _relayCache;
    private readonly PeerCache<Route> _routes;
    private readonly IRelayDoor? _relayDoor;
    private int _attempts;

    /// <summary>Connections for one node.</summary>
    /// <param name="node">The node, whose doors and chance these are too.</param>
    /// <param name="options">Times and bounds.</param>
    /// <param name="keys">Who we are, unless a call says otherwise; stays the caller's.</param>
    /// <param name="relayDoor">The way to blind relays; null where none are used.</param>
    /// <param name="relay">What we lend to others as their blind relay; null for nothing.</param>
    public Connector(DhtNode node, ConnectorOptions options, KeyPair keys, IRelayDoor? relayDoor = null, RelayOptions? relay = null)
    {
        (Node, Options, Keys, _relayDoor) = (node, options, keys, relayDoor);
        Scope = new FlowScope(node.Scope);
        Sockets = new PunchSockets(node.Doors, node.Runner, Scope, options);
        Relay = relay is null ? null : new RelayPairing(relay, node.Doors);
        _relayCache = new PeerCache<ImmutableArray<DhtAddress>>(options.MaxCachedPeers);
        _routes = new PeerCache<Route>(options.MaxRoutes);
    }

    public DhtNode Node { get; }

    public ConnectorOptions Options { get; }

    /// <summary>Who we are, unless a call says otherwise.</summary>
    public KeyPair Keys { get; }

    /// <summary>What we lend to others as their blind relay; null for nothing.</summary>
    public RelayPairing? Relay { get; }

    public ConnectorCounters Counters { get; } = new();

    /// <summary>Where a server that announced itself here can be reached, by the hash of its key; null when nobody keeps such records.</summary>
    public Func<Hash, DhtAddress?>? FindForward { get; set; }

    /// <summary>Listeners that are open.</summary>
    public IReadOnlyCollection<Listener> Listeners => _listeners.Values;

    /// <summary>True between <see cref="SuspendAsync"/> and <see cref="Resume"/>.</summary>
    public bool IsSuspended { get; private set; }

    /// <summary>When <see cref="HandleTimeout"/> is next due; what flows wait for is in the node's own deadline.</summary>
    public TimeSpan? Deadline => Relay?.Deadline;

    internal FlowRunner Runner => Node.Runner;

    internal FlowScope Scope { get; }

    internal RandomSource Random => Node.Random;

    internal PunchSockets Sockets { get; }

    internal int RandomPunchesUnderWay { get; set; }

    internal TimeSpan? LastRandomPunch { get; set; }

    /// <summary>True while another random punch would be one too many.</summary>
    internal bool IsRandomPunchTooEarly =>
        RandomPunchesUnderWay >= Options.MaxRandomPunches || Runner.Now - LastRandomPunch < Options.RandomPunchInterval;

    /// <summary>Where everybody reaches us; null behind a NAT.</summary>
    internal DhtAddress? OpenAddress => Node.PublicAddress;

    /// <summary>Connects to a peer.</summary>
    /// <param name="peer">Its key.</param>
    /// <param name="options">How.</param>
    /// <param name="scope">Cancelling it gives the attempt up; a connection that stands stays.</param>
    /// <returns>The connection; fails with <see cref="DhtConnectException"/>.</returns>
    public Flow<DhtConnection> ConnectAsync(in PublicKey peer, ConnectOptions options, FlowScope scope)
    {
        Counters.Attempts++;
        var result = new FlowSource<DhtConnection>(Runner, scope);
        ConnectError? refusal = IsSuspended ? ConnectError.Suspended : _attempts >= Options.MaxAttempts ? ConnectError.TooManyStreams : null;
        if (refusal is null && Node.Doors.OpenStream() is { } stream)
        {
            _attempts++;
            var attempt = new OutgoingConnection(this, peer, options, stream, result);
            _streams.Add(stream.Id, attempt);
            attempt.Start();
        }
        else
        {
            result.TryFail(new DhtConnectException(refusal ?? ConnectError.TooManyStreams));
        }

        return result.Flow;
    }

    /// <summary>Takes connections under a key, and announces it.</summary>
    /// <param name="keys">The key; stays the caller's, and must live as long as the listener.</param>
    /// <param name="options">Who is let in, and how.</param>
    /// <exception cref="InvalidOperationException">There is a listener under this key.</exception>
    public Listener Listen(KeyPair keys, ListenOptions options)
    {
        var listener = new Listener(this, keys, options);
        if (!_listeners.TryAdd(listener.Target, listener))
        {
            throw new InvalidOperationException($"there is a listener for {keys.PublicKey} already");
        }

        listener.Start();
        return listener;
    }

    /// <summary>Looks at a request of the DHT; true when it was for one of our listeners.</summary>
    public bool TryHandle(IncomingRequest request)
    {
        if (request.Target is not { } target || !_listeners.TryGetValue(target, out Listener? listener))
        {
            return false;
        }

        return (HyperCommand)request.Command switch
        {
            HyperCommand.PeerHandshake => listener.HandleHandshake(request),
            HyperCommand.PeerHolepunch => listener.TryHandleHolepunch(request),
            _ => false,
        };
    }

    /// <summary>A datagram of one byte came in on a socket that <see cref="IDhtDoors.OpenSocket"/> gave.</summary>
    public void HandleProbe(int socket, DhtAddress from, TimeSpan now)
    {
        Runner.Advance(now);
        if (from.Port != 0)
        {
            Sockets.OwnerOf(socket)?.HandleProbe(socket, from);
        }

        Runner.Run();
    }

    /// <summary>Somebody sends to a stream that is not connected, or on another socket than the stream's (see <see cref="IRawStream"/>).</summary>
    public void HandleStreamPacket(uint stream, int socket, DhtAddress from, TimeSpan now)
    {
        Runner.Advance(now);
        if (from.Port != 0 && Relay?.HandleStreamPacket(stream, socket, from) != true &&
            _streams.TryGetValue(stream, out IStreamOwner? owner))
        {
            owner.HandlePacket(socket, from);
        }

        Runner.Run();
    }

    /// <summary>A stream whose remote was changed is heard of on its new way.</summary>
    public void HandleStreamMoved(uint stream, TimeSpan now)
    {
        Runner.Advance(now);
        if (_streams.TryGetValue(stream, out IStreamOwner? owner))
        {
            owner.HandleMoved();
        }

        Runner.Run();
    }

    /// <summary>A stream is over.</summary>
    /// <param name="stream">Its id.</param>
    /// <param name="inOrder">True when both sides ended it, false when it broke.</param>
    /// <param name="now">The time.</param>
    public void HandleStreamClosed(uint stream, bool inOrder, TimeSpan now)
    {
        Runner.Advance(now);
        if (Relay?.HandleStreamClosed(stream) != true && _streams.Remove(stream, out IStreamOwner? owner))
        {
            owner.HandleClosed(inOrder);
        }

        Runner.Run();
    }

    /// <summary>A message came on the channel <see cref="RelayProtocol.Name"/> of a connection to a relay of ours.</summary>
    /// <returns>False when it is none: the connection is worth nothing.</returns>
    public bool HandleRelayMessage(DhtConnection relay, uint type, ReadOnlySpan<byte> payload, TimeSpan now)
    {
        Runner.Advance(now);
        bool isMessage = !_relayLegs.TryGetValue(relay.Stream, out RelayLeg? leg) || leg.HandleMessage(type, payload);
        Runner.Run();
        return isMessage;
    }

    /// <summary>The channel to a relay of ours, or the connection under it, is over.</summary>
    public void HandleRelayClosed(DhtConnection relay, TimeSpan now)
    {
        Runner.Advance(now);
        if (_relayLegs.TryGetValue(relay.Stream, out RelayLeg? leg))
        {
            leg.HandleClosed();
        }

        Runner.Run();
    }

    /// <summary>The network has changed: listeners announce themselves anew.</summary>
    public void HandleNetworkChange(TimeSpan now)
    {
        Runner.Advance(now);
        foreach (Listener listener in _listeners.Values)
        {
            listener.Announcer.Refresh();
        }

        Runner.Run();
    }

    /// <summary>The node answers again, or others answer it.</summary>
    public void HandleOnline(TimeSpan now)
    {
        Runner.Advance(now);
        foreach (Listener listener in _listeners.Values)
        {
            listener.Announcer.NotifyOnline();
        }

        Runner.Run();
    }

    /// <summary>It is this late, for the blind relay.</summary>
    public void HandleTimeout(TimeSpan now) => Relay?.HandleTimeout(now);

    /// <summary>Hands over one event; false when there are none.</summary>
    public bool TryPollEvent([MaybeNullWhen(false)] out ConnectorEvent connectorEvent) => _events.TryDequeue(out connectorEvent);

    /// <summary>Takes all announcements back, and ends all streams, those of connections included. The node is suspended after it.</summary>
    public async Flow SuspendAsync()
    {
        if (IsSuspended)
        {
            return;
        }

        IsSuspended = true;
        await Flow.WhenAll(_listeners.Values.Select(l => (Flow)l.SuspendAsync()));
        foreach (IStreamOwner owner in _streams.Values.ToArray())
        {
            owner.Suspend();
        }
    }

    /// <summary>Takes up again what was suspended; the node is resumed before it.</summary>
    public void Resume(TimeSpan now)
    {
        Runner.Advance(now);
        IsSuspended = false;
        foreach (Listener listener in _listeners.Values)
        {
            listener.Resume();
        }

        Runner.Run();
    }

    /// <summary>Failures of flows that nobody awaits are our own: they end the turn.</summary>
    internal static void Rethrow(Exception failure) => ExceptionDispatchInfo.Throw(failure);

    internal void Forget(Listener listener) => _listeners.Remove(listener.Target);

    internal void EndAttempt() => _attempts--;

    internal void Report(ConnectorEvent connectorEvent) => _events.Enqueue(connectorEvent);

    /// <summary>Takes over a stream of a session.</summary>
    internal IRawStream? OpenStream(IStreamOwner owner)
    {
        IRawStream? stream = Node.Doors.OpenStream();
        if (stream is not null)
        {
            _streams.Add(stream.Id, owner);
        }

        return stream;
    }

    /// <summary>Nodes to ask how they see us. Those heard of last are the likeliest to be gone, and to have been put there: a choosy
    /// caller does without them where there are enough others.</summary>
    internal IEnumerable<DhtAddress> NodesToAsk(bool isChoosy)
    {
        const int Skipped = 5;
        DhtAddress[] known =
        [
            .. Node.LatestContacts.Select(c => c.Address).Concat(Node.Routing.Contacts().Select(c => c.Address)).Distinct()
                .Take(Skipped + (3 * NatAnalyzer.EnoughSamples)),
        ];
        return isChoosy ? known.Skip(Math.Clamp(known.Length - NatAnalyzer.EnoughSamples, 0, Skipped)) : known;
    }

    /// <summary>Our addresses in our own network, where the server socket listens.</summary>
    internal IEnumerable<DhtAddress> LocalAddresses() => Node.Doors.LocalHosts.Select(h => new DhtAddress(h, Node.ServerLocal.Port));

    internal RelayLeg? OpenRelay(
        in PublicKey relay, Hash token, bool isInitiator, uint stream, Action<DhtConnection, uint> paired, Action failed)
    {
        if (_relayDoor is not { } door)
        {
            return null;
        }

        var leg = new RelayLeg(this, door, token, isInitiator, stream, paired, failed);
        leg.Start(relay);
        return leg;
    }

    internal void Add(DhtConnection relay, RelayLeg leg) => _relayLegs[relay.Stream] = leg;

    internal void Remove(DhtConnection relay) => _relayLegs.Remove(relay.Stream);

    /// <summary>Looks for nodes that know the peer with that key's hash.</summary>
    internal DhtQuery FindPeer(in Hash target, IReadOnlyList<DhtAddress>? start, FlowScope scope) =>
        Node.Query((uint)HyperCommand.FindPeer, target, null, new QueryOptions { Nodes = start, Retries = 3 }, scope);

    /// <summary>A token that nobody can guess.</summary>
    internal Hash NewToken()
    {
        Span<byte> token = stackalloc byte[Hash.Size];
        Random.Fill(token);
        return new Hash(token);
    }

    internal void Count(ConnectionWay way)
    {
        Counters.Connections++;
        switch (way)
        {
            case ConnectionWay.Direct:
                Counters.Direct++;
                break;
            case ConnectionWay.Local:
                Counters.Local++;
                break;
            case ConnectionWay.Punched:
                Counters.Punched++;
                break;
            default:
                Counters.Relayed++;
                break;
        }
    }

    internal ImmutableArray<DhtAddress> CachedRelays(in PublicKey peer) => _relayCache.Find(peer, out ImmutableArray<DhtAddress> relays) ? relays : [];

    internal void CacheRelays(in PublicKey peer, IEnumerable<DhtAddress> relays)
    {
        ImmutableArray<DhtAddress> kept = [.. relays.Distinct().Take(Options.MaxCachedRelays)];
        if (!kept.IsEmpty)
        {
            _relayCache.Set(peer, kept);
        }
    }

    /// <summary>A way to the peer that has stood before; null when there is none.</summary>
    internal Route? FindRoute(in PublicKey peer) =>
        _routes.Find(peer, out Route? route) && (route.IsOwnSocket || Sockets.Has(route.Socket)) ? route : null;

    /// <summary>Remembers the way of a connection that both sides may come back to.</summary>
    internal Route AddRoute(in PublicKey peer, int socket, DhtAddress address)
    {
        if (_routes.Find(peer, out Route? known) && known.Socket == socket && known.Address == address)
        {
            known.Connections++;
        }
        else
        {
            known = new Route(socket, address, !Sockets.Hold(socket)) { Connections = 1 };
            _routes.Set(peer, known);
        }

        return known;
    }

    /// <summary>A connection on the route is over.</summary>
    internal void EndRoute(PublicKey peer, Route route, bool inOrder)
    {
        route.Connections--;
        if (!inOrder)
        {
            RemoveRoute(peer, route);
        }

        if (route.Connections == 0 && !route.IsOwnSocket)
        {
            Sockets.LetGo(route.Socket, inOrder, () => RemoveRoute(peer, route));
        }
    }

    private void RemoveRoute(in PublicKey peer, Route route)
    {
        if (_routes.Find(peer, out Route? known) && known == route)
        {
            _routes.Remove(peer);
        }
    }

    /// <summary>A socket and an address that have led to a peer.</summary>
    internal sealed class Route(int socket, DhtAddress address, bool isOwnSocket)
    {
        public int Socket => socket;

        public DhtAddress Address => address;

        /// <summary>True for a socket of the node itself, which stays.</summary>
        public bool IsOwnSocket => isOwnSocket;

        public int Connections { get; set; }
    }
}

/// <summary>Whose stream it is.</summary>
internal interface IStreamOwner
{
    void HandlePacket(int socket, DhtAddress from);

    void HandleMoved();

    void HandleClosed(bool inOrder);

    void Suspend();
}
