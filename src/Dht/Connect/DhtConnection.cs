using HyperActors.Crypto;
using HyperActors.Wire;

namespace HyperActors.Dht;

/// <summary>Which way a connection takes.</summary>
public enum ConnectionWay
{
    /// <summary>Straight: one of the two is reached by everybody.</summary>
    Direct,

    /// <summary>Straight, inside the network behind one NAT.</summary>
    Local,

    /// <summary>Straight, through NATs that were opened from both sides.</summary>
    Punched,

    /// <summary>Through a blind relay.</summary>
    Relayed,
}

/// <summary>A stream to a peer and the keys that were agreed with it: a <see cref="Link"/> goes on top.</summary>
public sealed class DhtConnection
{
    internal DhtConnection(IRawStream stream, SessionKeys keys, ConnectionWay way, int socket, DhtAddress address)
    {
        Stream = stream;
        Keys = keys;
        Way = way;
        Socket = socket;
        RemoteAddress = address;
    }

    /// <summary>The stream, connected.</summary>
    public IRawStream Stream { get; }

    /// <summary>The keys; the link takes them over.</summary>
    public SessionKeys Keys { get; }

    /// <summary>Who it is.</summary>
    public PublicKey RemotePublicKey => Keys.RemotePublicKey;

    /// <summary>Who we are to it.</summary>
    public PublicKey LocalPublicKey => Keys.LocalPublicKey;

    /// <summary>True for the side that looked for the other.</summary>
    public bool IsInitiator => Keys.IsInitiator;

    /// <summary>The way it takes now; a relayed connection may find a straight one (<see cref="ConnectorEvent.Moved"/>).</summary>
    public ConnectionWay Way { get; private set; }

    /// <summary>The socket that it runs on.</summary>
    public int Socket { get; private set; }

    /// <summary>Where its packets go: the peer, or the relay.</summary>
    public DhtAddress RemoteAddress { get; private set; }

    internal void Move(ConnectionWay way, int socket, DhtAddress address) => (Way, Socket, RemoteAddress) = (way, socket, address);
}

/// <summary>What a <see cref="Connector"/> tells its owner.</summary>
public abstract record ConnectorEvent
{
    private ConnectorEvent()
    {
    }

    /// <summary>A peer has connected to a listener.</summary>
    public sealed record Incoming(Listener Listener, DhtConnection Connection) : ConnectorEvent;

    /// <summary>A relayed connection goes another way now.</summary>
    public sealed record Moved(DhtConnection Connection) : ConnectorEvent;
}

/// <summary>The door to the blind relays that our own connections lead to: their links are driven by whoever drives all links.</summary>
/// <remarks>Such a connection is never handed out as an event. Calls neither block nor throw.</remarks>
public interface IRelayDoor
{
    /// <summary>Puts a link on <paramref name="relay"/>, opens the channel <see cref="RelayProtocol.Name"/> with
    /// <see cref="DhtConnection.LocalPublicKey"/> as its id and no handshake, and sends <paramref name="pair"/> with the type
    /// <see cref="RelayProtocol.Pair"/>. Every message that comes on it goes to <see cref="Connector.HandleRelayMessage"/>; the end of
    /// channel or connection to <see cref="Connector.HandleRelayClosed"/>.</summary>
    void Open(DhtConnection relay, ReadOnlyMemory<byte> pair);

    /// <summary>Ends the connection, in order.</summary>
    void Close(DhtConnection relay);
}
