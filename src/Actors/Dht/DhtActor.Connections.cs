using System.Net;
using System.Net.Sockets;
using HyperActors.Abstractions;
using HyperActors.Crypto;
using HyperActors.Dht;
using PeerInfo = HyperActors.Abstractions.PeerInfo;

namespace HyperActors.Actors;

/// <content>Connections by key: dialled, taken, handed over.</content>
public sealed partial class DhtActor
{
    /// <summary>The node ends: its announcements are taken back. Answered with <see cref="Left"/>. Connections stay until their owner ends them.</summary>
    public sealed record Leave
    {
        public static Leave Instance { get; } = new();
    }

    public sealed record Left
    {
        public static Left Instance { get; } = new();
    }

    private readonly Dictionary<long, IActorRef> _adopting = [];
    private Listener? _listener;
    private IActorRef? _incomingTo;
    private Func<PublicKey, bool>? _rejects;
    private bool _isSuspending;
    private long _adoptions;

    private void ReceiveConnections()
    {
        Receive<DhtStream.Spoke>(m =>
        {
            _connector.HandleStreamPacket(m.Stream.Id, m.Socket, m.From, Now);
            Drain();
        });
        Receive<DhtStream.Moved>(m =>
        {
            _connector.HandleStreamMoved(m.Stream.Id, Now);
            Drain();
        });
        Receive<DhtStream.Closed>(m =>
        {
            _connector.HandleStreamClosed(m.Stream.Id, m.InOrder, Now);
            Drain();
        });
        ReceiveStarted<Listen>(m =>
        {
            _incomingTo = Sender;
            _rejects = m.Rejects;
            Run(ListenAsync(Sender, new Listening(m.Id)));
        });
        ReceiveStarted<ListenForAll>(_ => Run(ListenAsync(Sender, Done.Instance)));
        ReceiveStarted<Connect>(Handle);
        ReceiveStarted<Dial>(m => Run(DialAsync(m.Peer, Sender)));
        Receive<ConnectionsActor.Adopted>(m =>
        {
            if (_adopting.Remove(m.RequestId, out IActorRef? asker))
            {
                asker.Tell(m.Peer, Self);
            }
        });
        Receive<ConnectionsActor.AdoptFailed>(m =>
        {
            if (_adopting.Remove(m.RequestId, out IActorRef? asker))
            {
                asker.Tell(new Status.Failure(new ConnectionFailedException(m.Reason)), Self);
            }
        });
        Receive<ConnectionsActor.AdoptedEnded>(_ => { });
        Receive<Leave>(_ =>
        {
            WriteContacts();
            Run(LeaveAsync(Sender));
            Drain();
        });
        ReceiveStarted<Suspend>(m => Run(SuspendAsync(m.Id, Sender)));
        ReceiveStarted<Resume>(m =>
        {
            ResumeNode();
            Sender.Tell(new Resumed(m.Id), Self);
        });
    }

    private static EndPoint? AddressOf(DhtConnection connection) => connection.RemoteAddress.ToIPEndPoint();

    private static UdxTransport TransportOf(DhtConnection connection) => ((DhtStream)connection.Stream).Transport;

    private async Flow ListenAsync(IActorRef asker, object answer)
    {
        _listener ??= _connector.Listen(_setup.Keys, new ListenOptions
        {
            Firewall = handshake => _rejects?.Invoke(handshake.PublicKey) == true,
            ShareLocalAddresses = _network.SharesLocalAddresses,
            FollowsRelays = _network.UsesRelays,
            RelayThrough = _ourRelays,
            NeedsRelay = () => HasRandomNat,
        });
        await _listener.Listening.Ended();
        asker.Tell(answer, Self);
    }

    private void Handle(Connect connect)
    {
        var scope = new FlowScope(Node.Scope);
        _operations[(Sender, connect.Id)] = scope;
        Run(ConnectAsync(connect, Sender, scope));
    }

    private async Flow ConnectAsync(Connect connect, IActorRef asker, FlowScope scope)
    {
        object answer;
        try
        {
            DhtConnection connection = await _connector.ConnectAsync(connect.Peer, OptionsFor(connect.Relays, connect.ShouldForceRelay || HasRandomNat), scope);
            answer = new Connected(connect.Id, TransportOf(connection), connection.Keys, connection.RemotePublicKey, AddressOf(connection));
        }
        catch (DhtConnectException failure)
        {
            answer = new ConnectFailed(connect.Id, failure.CanRelayHelp && _ourRelays.Count > 0, failure.Message);
        }
        catch (FlowCancelledException)
        {
            answer = new ConnectFailed(connect.Id, false, GivenUp);
        }

        _operations.Remove((asker, connect.Id));
        scope.Cancel();
        asker.Tell(answer, Self);
    }

    private async Flow DialAsync(PublicKey peer, IActorRef asker)
    {
        if (_setup.Connections is not { } connections)
        {
            asker.Tell(new Status.Failure(new ConnectionFailedException("this node takes part in the DHT alone: it has no connections")), Self);
            return;
        }

        try
        {
            DhtConnection connection = await _connector.ConnectAsync(peer, OptionsFor([], namesRelay: true), Node.Scope);
            _adopting.Add(++_adoptions, asker);
            Adopt(connections, connection, _adoptions);
        }
        catch (DhtConnectException failure)
        {
            asker.Tell(new Status.Failure(new ConnectionFailedException($"cannot connect to {peer}: {failure.Message}")), Self);
        }
        catch (FlowCancelledException)
        {
            asker.Tell(new Status.Failure(new ConnectionFailedException("the DHT of this node has stopped")), Self);
        }
    }

    private ConnectOptions OptionsFor(IReadOnlyList<DhtAddress> relays, bool namesRelay) => new()
    {
        RelayThrough = namesRelay ? _ourRelays : [],
        RelayAddresses = relays,
        FollowsRelays = _network.UsesRelays,
        LocalConnection = _network.SharesLocalAddresses,
    };

    private void Adopt(IActorRef connections, DhtConnection connection, long id) => connections.Tell(
        new ConnectionsActor.Adopt(
            id, TransportOf(connection), connection.IsInitiator, connection.Keys, connection.RemotePublicKey),
        Self);

    private void Handle(ConnectorEvent happened)
    {
        switch (happened)
        {
            case ConnectorEvent.Incoming incoming when incoming.Listener == _relayListener:
                Take(incoming.Connection);
                break;
            case ConnectorEvent.Incoming incoming:
                HandOver(incoming.Connection);
                break;
            case ConnectorEvent.Moved moved:
                _setup.Connections?.Tell(
                    new ConnectionsActor.PeerMoved(TransportOf(moved.Connection), AddressOf(moved.Connection)), Self);
                break;
        }
    }

    private void HandOver(DhtConnection connection)
    {
        if (_incomingTo is { } owner)
        {
            owner.Tell(
                new Incoming(TransportOf(connection), connection.Keys, connection.RemotePublicKey, AddressOf(connection)), Self);
        }
        else if (_setup.Connections is { } connections)
        {
            Adopt(connections, connection, ++_adoptions);
        }
        else
        {
            TransportOf(connection).Dispose();
            connection.Keys.Dispose();
        }
    }

    private async Flow LeaveAsync(IActorRef asker)
    {
        await StopRelayingAsync();
        if (_listener is { } listener)
        {
            _listener = null;
            await listener.CloseAsync().Ended();
        }

        asker.Tell(Left.Instance, Self);
    }

    private async Flow SuspendAsync(long id, IActorRef asker)
    {
        if (!Node.IsSuspended && !_isSuspending)
        {
            _isSuspending = true;
            await _connector.SuspendAsync();
            Node.Suspend();
            _sockets.Flush();
            _sockets.Dispose();
            _isSuspending = false;
        }

        asker.Tell(new Suspended(id), Self);
    }

    private void ResumeNode()
    {
        if (!Node.IsSuspended)
        {
            return;
        }

        (int Socket, DhtAddress Address) server = Rebind(Node.ServerLocal.Port);
        (int Socket, DhtAddress Address) client = Rebind(Node.ClientLocal.Port);
        Node.Resume(server.Socket, server.Address, client.Socket, client.Address, Now);
        _connector.Resume(Now);
        _incomingTo?.Tell(NetworkChanged.Instance, Self);
    }

    // Where it was before, if that is still to be had: those who know the node know it there.
    private (int Socket, DhtAddress Address) Rebind(int port)
    {
        try
        {
            return _sockets.Bind(port);
        }
        catch (SocketException)
        {
            return _sockets.Bind(0);
        }
    }
}
