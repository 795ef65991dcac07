using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;
using HyperActors.Abstractions;
using HyperActors.Crypto;
using HyperActors.Wire;
using Microsoft.Extensions.Logging;

namespace HyperActors.Actors;

/// <summary>All connections of a node: those that it dials, and those that it takes.</summary>
/// <remarks>
/// Parent: <see cref="NodeActor"/>. Children: a <see cref="ConnectionActor"/> per connection. A restart loses every
/// connection and every listener; feeds lose nothing.
/// </remarks>
public sealed class ConnectionsActor : ReceiveActor
{
    /// <summary>Takes connections on an address. Answered with <see cref="ListeningOn"/>, or refused.</summary>
    public sealed record Listen(IPEndPoint Address);

    /// <summary>The address in use.</summary>
    public sealed record ListeningOn(IPEndPoint Address);

    /// <summary>Dials. Answered with <see cref="PeerInfo"/> once the handshake is done, or refused.</summary>
    public sealed record Dial(string Host, int Port);

    /// <summary>Takes over a stream that is connected already, as one of UDX is once both sides know each other's address.</summary>
    /// <remarks>Answered with <see cref="Adopted"/> and later <see cref="AdoptedEnded"/>, or with <see cref="AdoptFailed"/>.
    /// The transport and the keys are the node's from now on, whatever the answer.</remarks>
    /// <param name="RequestId">Comes back with the answers.</param>
    /// <param name="Transport">The stream; nobody has started it.</param>
    /// <param name="IsInitiator">True when it was we who wanted the connection.</param>
    /// <param name="Session">Keys that another handshake has agreed (the DHT's Noise IK); null to shake hands on the stream, as over TCP.</param>
    /// <param name="Expected">Who it must be; null for anybody.</param>
    public sealed record Adopt(
        long RequestId, ITransport Transport, bool IsInitiator, SessionKeys? Session = null, PublicKey? Expected = null);

    /// <summary>Keys are agreed: every feed that both sides know is copied from now on.</summary>
    public sealed record Adopted(long RequestId, PeerInfo Peer);

    /// <summary>It ended before that, or this node takes no more.</summary>
    public sealed record AdoptFailed(long RequestId, string Reason);

    /// <summary>A connection that was <see cref="Adopted"/> is over. No reason: an orderly end.</summary>
    public sealed record AdoptedEnded(long RequestId, PeerInfo Peer, string? Reason);

    /// <summary>A stream that went through a relay has found a direct way; one that is gone already is ignored.</summary>
    public sealed record PeerMoved(ITransport Transport, EndPoint? Address);

    /// <summary>Ends one connection in order; one that is gone already is ignored.</summary>
    public sealed record EndOne(long ConnectionId);

    /// <summary>Sends an unordered message on one connection; lost where that is gone or can't.</summary>
    public sealed record SendUnordered(long ConnectionId, ReadOnlyMemory<byte> Message);

    /// <summary>Sends something on one connection, so that a dead one is noticed soon; one that is gone already is ignored.</summary>
    public sealed record KeepAliveOne(long ConnectionId);

    /// <summary>Other limits, for connections that come from now on.</summary>
    public sealed record Reconfigure(ConnectionOptions Options);

    /// <summary>Answered with <see cref="Listed"/>.</summary>
    public sealed record List
    {
        public static List Instance { get; } = new();
    }

    /// <summary>The connections whose handshake is done, by their numbers.</summary>
    public sealed record Listed(IReadOnlyList<PeerConnection> Connections);

    /// <summary>Events go to the writer until <see cref="Unwatch"/>.</summary>
    public sealed record Watch(ChannelWriter<ConnectionEvent> Events);

    public sealed record Unwatch(ChannelWriter<ConnectionEvent> Events);

    /// <summary>The feeds have started anew and know no connection: they are told of all that are open.</summary>
    public sealed record AnnounceAll
    {
        public static AnnounceAll Instance { get; } = new();
    }

    /// <summary>Ends every connection in order. Answered with <see cref="AllEnded"/>.</summary>
    public sealed record EndAll
    {
        public static EndAll Instance { get; } = new();
    }

    public sealed record AllEnded
    {
        public static AllEnded Instance { get; } = new();
    }

    /// <summary>Why a connection does not come about.</summary>
    private const string TooMany = "this node has as many connections as it may have";

    private const string NamePrefix = "conn-";

    private const string Stopping = "the node is stopping";

    private readonly IActorRef _feeds;
    private readonly INetwork _network;
    private readonly KeyPair _keys;
    private readonly RandomSource _random;
    private readonly LinkOptions _links;
    private readonly Rates _rates = new();
    private ConnectionOptions _options;
    private readonly ILogger _log;
    private readonly Dictionary<long, Connection> _connections = [];
    private readonly Dictionary<long, IActorRef> _listening = [];
    private readonly Dictionary<long, IActorRef> _dialling = [];
    private readonly Dictionary<IPAddress, int> _halfOpen = [];
    private readonly List<IDisposable> _listeners = [];
    private readonly List<ChannelWriter<ConnectionEvent>> _watchers = [];
    private IActorRef? _ending;
    private long _ids;

    public ConnectionsActor(
        IActorRef feeds, INetwork network, KeyPair keys, RandomSource random, LinkOptions links, ConnectionOptions options, ILogger log)
    {
        _feeds = feeds;
        _network = network;
        _keys = keys;
        _random = random;
        _links = links;
        _options = options;
        _log = log;
        _rates.Set(options);

        Receive<Listen>(Handle);
        Receive<INetwork.Listening>(Handle);
        Receive<INetwork.ListenFailed>(m => Refuse(_listening, m.RequestId, m.Reason));
        Receive<Dial>(Handle);
        Receive<INetwork.Connected>(Handle);
        Receive<INetwork.ConnectFailed>(m => Refuse(_dialling, m.RequestId, m.Reason));
        Receive<INetwork.Accepted>(Handle);
        Receive<Adopt>(Handle);
        Receive<PeerMoved>(Handle);
        Receive<EndOne>(m => TellOne(m.ConnectionId, ConnectionActor.End.Instance));
        Receive<KeepAliveOne>(m => TellOne(m.ConnectionId, ConnectionActor.KeepAlive.Instance));
        Receive<ConnectionActor.Opened>(Handle);
        Receive<ConnectionActor.FeedRequested>(m => _feeds.Tell(new CorestoreActor.FeedRequested(m.RequestId, m.DiscoveryKey, Sender), Self));
        Receive<ConnectionActor.Ended>(Handle);
        Receive<SendUnordered>(m =>
        {
            if (_connections.TryGetValue(m.ConnectionId, out Connection? connection))
            {
                connection.Actor.Tell(new ConnectionActor.SendUnordered(m.Message), Self);
            }
        });
        Receive<ConnectionActor.UnorderedArrived>(m =>
        {
            if (IsMine(m.ConnectionId, out _))
            {
                Publish(new ConnectionEvent.MessageArrived(m.ConnectionId, m.Message));
            }
        });
        Receive<Reconfigure>(m =>
        {
            _options = m.Options;
            _rates.Set(m.Options);
        });
        Receive<List>(_ => Sender.Tell(new Listed(Look()), Self));
        Receive<Watch>(m => _watchers.Add(m.Events));
        Receive<Unwatch>(m =>
        {
            _watchers.Remove(m.Events);
            m.Events.TryComplete();
        });
        Receive<AnnounceAll>(_ => Announce());
        Receive<EndAll>(_ => Handle());
    }

    public static Props PropsFor(
        IActorRef feeds, INetwork network, KeyPair keys, RandomSource random, LinkOptions links, ConnectionOptions options, ILogger log) =>
        Props.Create(() => new ConnectionsActor(feeds, network, keys, random, links, options, log));

    /// <summary>The number in the name that a connection's actor was given here.</summary>
    internal static long IdOf(IActorRef connection)
    {
        string name = connection.Path.Name;
        return name.StartsWith(NamePrefix, StringComparison.Ordinal)
            && long.TryParse(name.AsSpan(NamePrefix.Length), System.Globalization.CultureInfo.InvariantCulture, out long id) ? id : 0;
    }

    /// <summary>What becomes of a connection that fails. None is restarted: its stream and its keys are gone.</summary>
    public static Directive Decide(Exception failure) => Directive.Stop;

    protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(Decide);

    protected override void PostStop()
    {
        foreach (IDisposable listener in _listeners)
        {
            listener.Dispose();
        }

        foreach (IActorRef waiting in _listening.Values.Concat(_dialling.Values))
        {
            waiting.Tell(new Status.Failure(new ConnectionFailedException(Stopping)), Self);
        }

        foreach (Connection connection in _connections.Values)
        {
            connection.Caller?.TellEnded(connection.Peer, Stopping, Self);
            if (connection.Peer is not null)
            {
                _feeds.Tell(new CorestoreActor.ConnectionClosed(connection.Actor), Self);
            }
        }

        if (_connections.Count > 0)
        {
            _ending?.Tell(AllEnded.Instance, Self);
        }

        foreach (ChannelWriter<ConnectionEvent> watcher in _watchers)
        {
            watcher.TryComplete();
        }
    }

    private void Handle(Listen listen)
    {
        _listening.Add(++_ids, Sender);
        _network.Listen(_ids, listen.Address, Self);
    }

    private void Handle(INetwork.Listening listening)
    {
        if (!_listening.Remove(listening.RequestId, out IActorRef? asker))
        {
            // Asked for before a restart, and refused then.
            listening.Listener.Dispose();
            return;
        }

        _listeners.Add(listening.Listener);
        asker.Tell(new ListeningOn(listening.Address), Self);
    }

    private void Handle(Dial dial)
    {
        _dialling.Add(++_ids, Sender);
        _network.Connect(_ids, dial.Host, dial.Port, _options.ConnectTimeout, Self);
    }

    private void Handle(INetwork.Connected connected)
    {
        if (!_dialling.Remove(connected.RequestId, out IActorRef? dialler)
            || _ending is not null
            || _connections.Count >= _options.MaxConnections)
        {
            connected.Transport.Dispose();
            dialler?.Tell(new Status.Failure(new ConnectionFailedException(_ending is null ? TooMany : Stopping)), Self);
            return;
        }

        Start(connected.Transport, true, new Caller(dialler, null), null, null);
    }

    private void Handle(INetwork.Accepted accepted)
    {
        if (HasRoomFor(AddressOf(accepted.Transport)))
        {
            Start(accepted.Transport, false, null, null, null);
            return;
        }

        Log.TurnedAway(_log, accepted.Transport.RemoteAddress);
        accepted.Transport.Dispose();
    }

    private void Handle(Adopt adopt)
    {
        // Who has keys already has shown who it is: only strangers are counted by their address.
        bool isStranger = !adopt.IsInitiator && adopt.Session is null;
        if (HasRoomFor(isStranger ? AddressOf(adopt.Transport) : null))
        {
            Start(adopt.Transport, adopt.IsInitiator, new Caller(Sender, adopt.RequestId), adopt.Session, adopt.Expected);
            return;
        }

        adopt.Transport.Dispose();
        adopt.Session?.Dispose();
        Sender.Tell(new AdoptFailed(adopt.RequestId, _ending is null ? TooMany : Stopping), Self);
    }

    private bool HasRoomFor(IPAddress? stranger) =>
        _ending is null
        && _connections.Count < _options.MaxConnections
        && (stranger is null || _halfOpen.GetValueOrDefault(stranger) < _options.MaxHalfOpenPerAddress);

    private void Start(ITransport transport, bool isInitiator, Caller? caller, SessionKeys? session, PublicKey? expected)
    {
        long id = ++_ids;
        IPAddress? stranger = isInitiator || session is not null ? null : AddressOf(transport);
        if (stranger is not null)
        {
            _halfOpen[stranger] = _halfOpen.GetValueOrDefault(stranger) + 1;
        }

        IActorRef actor = Context.ActorOf(
            ConnectionActor.PropsFor(id, transport, isInitiator, _keys, session, expected, _random, _links, _options, _log, rates: _rates), $"{NamePrefix}{id}");
        _connections.Add(id, new Connection(actor, transport, stranger, caller));
    }

    private void Handle(ConnectionActor.Opened opened)
    {
        if (!IsMine(opened.Peer.ConnectionId, out Connection? connection))
        {
            return;
        }

        LeaveHalfOpen(connection);
        connection.Peer = opened.Peer;
        connection.Caller?.TellOpened(opened.Peer, Self);
        Log.Opened(_log, opened.Peer.ConnectionId, opened.Peer.PublicKey, opened.Peer.Address);
        _feeds.Tell(new CorestoreActor.ConnectionOpened(connection.Actor), Self);
        Publish(new ConnectionEvent.Opened(opened.Peer));
    }

    private void Handle(PeerMoved moved)
    {
        foreach (Connection connection in _connections.Values)
        {
            if (connection.Transport == moved.Transport)
            {
                connection.Address = moved.Address;
                if (connection.Peer is { } peer)
                {
                    connection.Peer = peer with { Address = moved.Address };
                    Log.Moved(_log, peer.ConnectionId, peer.PublicKey, moved.Address);
                    Publish(new ConnectionEvent.Moved(connection.Peer));
                }

                return;
            }
        }
    }

    private void Handle(ConnectionActor.Ended ended)
    {
        if (!IsMine(ended.ConnectionId, out Connection? connection))
        {
            return;
        }

        _connections.Remove(ended.ConnectionId);
        LeaveHalfOpen(connection);
        connection.Caller?.TellEnded(connection.Peer, ended.Reason, Self);
        Log.Closed(_log, ended.ConnectionId, connection.Address, ended.Reason);
        if (connection.Peer is not null)
        {
            _feeds.Tell(new CorestoreActor.ConnectionClosed(connection.Actor), Self);
        }

        Publish(new ConnectionEvent.Closed(ended.ConnectionId, connection.Address, ended.Reason));
        AnswerWhenEmpty();
    }

    // After a restart a message of a former connection may still be on its way, under a number that is given out again.
    private bool IsMine(long connectionId, [NotNullWhen(true)] out Connection? connection) =>
        _connections.TryGetValue(connectionId, out connection) && connection.Actor.Equals(Sender);

    private void TellOne(long connectionId, object message)
    {
        if (_connections.TryGetValue(connectionId, out Connection? connection))
        {
            connection.Actor.Tell(message, Self);
        }
    }

    private void Announce()
    {
        foreach (Connection connection in _connections.Values)
        {
            if (connection.Peer is not null)
            {
                _feeds.Tell(new CorestoreActor.ConnectionOpened(connection.Actor), Self);
            }
        }
    }

    private void Handle()
    {
        _ending = Sender;
        foreach (IDisposable listener in _listeners)
        {
            listener.Dispose();
        }

        _listeners.Clear();
        foreach (Connection connection in _connections.Values)
        {
            connection.Actor.Tell(ConnectionActor.End.Instance, Self);
        }

        AnswerWhenEmpty();
    }

    private void AnswerWhenEmpty()
    {
        if (_ending is not null && _connections.Count == 0)
        {
            _ending.Tell(AllEnded.Instance, Self);
        }
    }

    private List<PeerConnection> Look()
    {
        var connections = new List<PeerConnection>(_connections.Count);
        foreach (Connection connection in _connections.Values)
        {
            if (connection.Peer is { } peer)
            {
                TransportCounts counts = connection.Transport.Counts;
                connections.Add(new PeerConnection(
                    peer, connection.Transport.Kind, counts.BytesReceived, counts.BytesSent, connection.Transport.RoundTripTime));
            }
        }

        connections.Sort((a, b) => a.Peer.ConnectionId.CompareTo(b.Peer.ConnectionId));
        return connections;
    }

    private void LeaveHalfOpen(Connection connection)
    {
        if (connection.HalfOpenAt is not { } address)
        {
            return;
        }

        connection.HalfOpenAt = null;
        int left = _halfOpen[address] - 1;
        if (left == 0)
        {
            _halfOpen.Remove(address);
        }
        else
        {
            _halfOpen[address] = left;
        }
    }

    private void Refuse(Dictionary<long, IActorRef> waiting, long requestId, string reason)
    {
        if (waiting.Remove(requestId, out IActorRef? asker))
        {
            asker.Tell(new Status.Failure(new ConnectionFailedException(reason)), Self);
        }
    }

    private void Publish(ConnectionEvent connectionEvent)
    {
        foreach (ChannelWriter<ConnectionEvent> watcher in _watchers)
        {
            watcher.TryWrite(connectionEvent);
        }
    }

    // Null for addresses that are never counted: neighbours, and this machine itself.
    private static IPAddress? AddressOf(ITransport transport) =>
        transport.RemoteAddress is IPEndPoint { Address: var address } && IsCounted(address) ? address : null;

    private static bool IsCounted(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6)
        {
            address = address.MapToIPv4();
        }

        if (IPAddress.IsLoopback(address) || address.IsIPv6LinkLocal || address.IsIPv6UniqueLocal)
        {
            return false;
        }

        // Private (RFC 1918) and link-local (RFC 3927).
        return address.AddressFamily != AddressFamily.InterNetwork
            || address.GetAddressBytes() is not ([10, ..] or [172, >= 16 and < 32, ..] or [192, 168, ..] or [169, 254, ..]);
    }

    /// <summary>Who asked for a connection: one that dialled has no number, one that had a stream adopted has.</summary>
    private sealed record Caller(IActorRef Actor, long? RequestId)
    {
        private const string HungUp = "the peer hung up before the handshake was done";

        public void TellOpened(PeerInfo peer, IActorRef self) =>
            Actor.Tell(RequestId is { } id ? new Adopted(id, peer) : peer, self);

        public void TellEnded(PeerInfo? peer, string? reason, IActorRef self)
        {
            if (RequestId is { } id)
            {
                Actor.Tell(peer is null ? new AdoptFailed(id, reason ?? HungUp) : new AdoptedEnded(id, peer, reason), self);
            }
            else if (peer is null)
            {
                Actor.Tell(new Status.Failure(new ConnectionFailedException(reason ?? HungUp)), self);
            }
        }
    }

    private sealed class Connection(IActorRef actor, ITransport transport, IPAddress? halfOpenAt, Caller? caller)
    {
        public IActorRef Actor => actor;

        public ITransport Transport => transport;

        public EndPoint? Address { get; set; } = transport.RemoteAddress;

        public IPAddress? HalfOpenAt { get; set; } = halfOpenAt;

        public Caller? Caller => caller;

        public PeerInfo? Peer { get; set; }
    }
}
