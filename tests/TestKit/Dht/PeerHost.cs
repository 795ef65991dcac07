using HyperActors.Crypto;
using HyperActors.Dht;
using HyperActors.Udx;
using HyperActors.Wire;

namespace HyperActors.TestKit;

/// <summary>The sockets of a <see cref="PeerHost"/>: simulated, or real ones.</summary>
public interface IPeerNetwork
{
    IReadOnlyList<uint> LocalHosts { get; }

    /// <summary>Binds a socket to a port, or to any when it is 0.</summary>
    (int Socket, DhtAddress Local) Bind(ushort port);

    void Close(int socket);

    void Send(int socket, DhtAddress to, ReadOnlySpan<byte> datagram, byte timeToLive);
}

/// <summary>A node with its connections: does in one thread what the actors of a node do, with the real machines of all layers.</summary>
/// <remarks>Each connection carries a channel <c>echo</c>, on which <see cref="PeerConnection.Say"/> sends, and a node that relays for
/// others opens their channel <c>blind-relay</c>.</remarks>
public sealed class PeerHost : IDhtDoors, IRelayDoor
{
    private readonly IPeerNetwork _network;
    private readonly UdxEndpoint<PeerStream> _endpoint;
    private readonly List<PeerStream> _streams = [];
    private readonly Dictionary<DhtConnection, PeerConnection> _relayLinks = [];
    private readonly byte[] _buffer = new byte[UdxTransmit.MaxLength];
    private bool _isDraining;

    public PeerHost(
        IPeerNetwork network,
        RandomSource random,
        DhtOptions dht,
        TimeSpan now,
        ushort port = 0,
        ConnectorOptions? connector = null,
        RelayOptions? relay = null,
        KeyPair? keys = null)
    {
        _network = network;
        Random = random;
        Now = now;
        _endpoint = new UdxEndpoint<PeerStream>(UdxOptions);
        (int server, DhtAddress serverLocal) = network.Bind(port);
        (int client, DhtAddress clientLocal) = network.Bind(0);
        Keys = keys ?? KeyPair.Generate(random);
        Node = new DhtNode(dht, this, random, server, serverLocal, client, clientLocal, now);
        Commands = new HyperCommands(Node, new RecordOptions(), DateTimeOffset.UnixEpoch);
        Connector = new Connector(Node, connector ?? new ConnectorOptions(), Keys, this, relay) { FindForward = Commands.FindForward };
        Commands.Server = Connector.TryHandle;
    }

    public UdxOptions UdxOptions { get; } = new();

    public RandomSource Random { get; }

    public KeyPair Keys { get; }

    public DhtNode Node { get; }

    public HyperCommands Commands { get; }

    public Connector Connector { get; }

    public TimeSpan Now { get; private set; }

    /// <summary>Connections that came to listeners, in their order.</summary>
    public List<PeerConnection> Incoming { get; } = [];

    /// <summary>Connections that found another way.</summary>
    public List<DhtConnection> Moved { get; } = [];

    /// <summary>Sockets that are open for hole punching.</summary>
    public int PunchSockets { get; private set; }

    /// <summary>Streams that are not over.</summary>
    public int Streams => _endpoint.Count;

    public IReadOnlyList<uint> LocalHosts => _network.LocalHosts;

    public TimeSpan? Deadline
    {
        get
        {
            TimeSpan? first = Earlier(Node.Deadline, Earlier(Connector.Deadline, _endpoint.Deadline));
            foreach (PeerStream stream in _streams)
            {
                first = Earlier(first, stream.Deadline);
            }

            return first;
        }
    }

    public void HandleDatagram(byte[] datagram, int socket, DhtAddress from, TimeSpan now)
    {
        Now = now;
        switch (_endpoint.Route(datagram, out PeerStream? stream))
        {
            case DatagramKind.Stream:
                stream!.HandleDatagram(datagram, socket, from);
                break;
            case DatagramKind.Holepunch:
                Connector.HandleProbe(socket, from, now);
                break;
            case DatagramKind.Dht:
                Node.HandleDatagram(datagram, socket, from, now);
                break;
        }

        Drain();
    }

    public void HandleTimeout(TimeSpan now)
    {
        Now = now;
        Node.HandleTimeout(now);
        Connector.HandleTimeout(now);
        _endpoint.HandleTimeout(now);
        foreach (PeerStream stream in _streams.ToArray())
        {
            stream.HandleTimeout();
        }

        Drain();
    }

    /// <summary>Does something to the node and lets what follows happen.</summary>
    public T Do<T>(TimeSpan now, Func<T> action)
    {
        Now = now;
        Node.Runner.Advance(now);
        T result = action();
        Node.Runner.Run();
        Drain();
        return result;
    }

    /// <summary>Connects, and puts a link on the connection.</summary>
    public async Flow<PeerConnection> ConnectAsync(PublicKey peer, ConnectOptions? options = null)
    {
        DhtConnection connection = await Connector.ConnectAsync(peer, options ?? new ConnectOptions(), Node.Scope);
        return Adopt(connection);
    }

    public int? OpenSocket()
    {
        PunchSockets++;
        return _network.Bind(0).Socket;
    }

    public void CloseSocket(int socket)
    {
        PunchSockets--;
        _network.Close(socket);
    }

    public void Send(int socket, DhtAddress to, ReadOnlySpan<byte> datagram, byte timeToLive = 0) =>
        _network.Send(socket, to, datagram, timeToLive);

    public IRawStream? OpenStream()
    {
        var stream = new PeerStream(this);
        while (true)
        {
            uint id = (uint)Random.NextUInt64();
            if (_endpoint.TryOpen(stream, id))
            {
                stream.Start(id);
                _streams.Add(stream);
                return stream;
            }
        }
    }

    void IRelayDoor.Open(DhtConnection relay, ReadOnlyMemory<byte> pair)
    {
        PeerConnection link = Adopt(relay);
        _relayLinks.Add(relay, link);
        link.AskRelay(pair);
    }

    void IRelayDoor.Close(DhtConnection relay)
    {
        if (_relayLinks.Remove(relay, out PeerConnection? link))
        {
            link.End();
        }
    }

    internal void Drain()
    {
        if (_isDraining)
        {
            return;
        }

        _isDraining = true;
        bool isBusy = true;
        while (isBusy)
        {
            isBusy = false;
            while (Connector.TryPollEvent(out ConnectorEvent? e))
            {
                isBusy = true;
                switch (e)
                {
                    case ConnectorEvent.Incoming incoming:
                        Incoming.Add(Adopt(incoming.Connection));
                        break;
                    case ConnectorEvent.Moved moved:
                        Moved.Add(moved.Connection);
                        break;
                }
            }

            while (Connector.Relay?.TryPollMessage(out RelayMessage? message) == true)
            {
                isBusy = true;
                _streams.First(s => s.Link?.RelaySession == message.Session).Link!.SendRelay(message.Type, message.Payload.Span);
            }

            foreach (PeerStream stream in _streams.ToArray())
            {
                isBusy |= stream.Drain();
            }

            while (_endpoint.TryPollTransmit(_buffer, out UdxTransmit transmit))
            {
                Transmit(transmit);
            }

            while (Node.TryPollEvent(out _))
            {
            }
        }

        _isDraining = false;
    }

    internal void Transmit(in UdxTransmit transmit)
    {
        var to = new DhtAddress(transmit.Remote.ToIPv4(), transmit.Remote.Port);
        for (int offset = 0; offset < transmit.Length; offset += transmit.SegmentSize)
        {
            int length = Math.Min(transmit.SegmentSize, transmit.Length - offset);
            _network.Send(transmit.Socket, to, _buffer.AsSpan(offset, length), 0);
        }
    }

    internal bool TryPollTransmit(UdxStream stream, out UdxTransmit transmit) => stream.TryPollTransmit(_buffer, Now, out transmit);

    internal void Remove(PeerStream stream, UdxStream machine)
    {
        _streams.Remove(stream);
        _endpoint.Close(machine.LocalId, machine.ToLinger(), Now);
        Connector.HandleStreamClosed(machine.LocalId, machine.CloseReason == UdxCloseReason.Ended, Now);
    }

    private PeerConnection Adopt(DhtConnection connection)
    {
        var stream = (PeerStream)connection.Stream;
        stream.Link = new PeerConnection(this, connection);
        return stream.Link;
    }

    private static TimeSpan? Earlier(TimeSpan? left, TimeSpan? right) => left is null || right < left ? right : left;
}
