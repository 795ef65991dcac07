namespace HyperActors.Dht;

/// <summary>Why no connection came about.</summary>
public enum ConnectError
{
    /// <summary>Nobody knows the key: the peer does not listen, or not in this network.</summary>
    PeerNotFound,

    /// <summary>Nodes know the peer, but no handshake came back through any of them.</summary>
    PeerConnectionFailed,

    /// <summary>Whoever answered does not hold the key, or the key is none.</summary>
    HandshakeInvalid,

    /// <summary>The peer speaks another version.</summary>
    ServerIncompatible,

    /// <summary>The peer has answered with an error.</summary>
    ServerError,

    /// <summary>The peer offers no way to open its NAT, or we have no socket left to do it.</summary>
    CannotHolepunch,

    /// <summary>What the peer said about its NAT is nonsense.</summary>
    HolepunchInvalid,

    /// <summary>All probes were sent and none was answered, or somebody gave up.</summary>
    HolepunchAborted,

    /// <summary>One of the two NATs could not be judged in time.</summary>
    HolepunchProbeTimeout,

    /// <summary>Both NATs use another port for everybody: no probe can meet another.</summary>
    HolepunchDoubleRandomizedNats,

    /// <summary>The peer gave up.</summary>
    RemoteAborted,

    /// <summary>The peer did not agree to punch.</summary>
    RemoteNotHolepunching,

    /// <summary>There is no way between these two NATs.</summary>
    RemoteNotHolepunchable,

    /// <summary>The blind relay could not be reached, or did not join the two sides.</summary>
    RelayAborted,

    /// <summary>The node is suspended.</summary>
    Suspended,

    /// <summary>It took longer than <see cref="ConnectorOptions.ConnectTimeout"/>.</summary>
    TimedOut,

    /// <summary>There are too many connections, or too many attempts.</summary>
    TooManyStreams,
}

/// <summary>A peer could not be connected to.</summary>
/// <remarks>While a puncher is at work upstream reports all of its failures as one; so does <see cref="CanRelayHelp"/>.</remarks>
public sealed class DhtConnectException(ConnectError error, bool canRelayHelp = false) : Exception(MessageOf(error))
{
    public ConnectError Error => error;

    /// <summary>The error as upstream names it.</summary>
    public string Code => CodeOf(error);

    /// <summary>True when the peer is there and only the NATs stand between: a blind relay could carry the connection.</summary>
    public bool CanRelayHelp => canRelayHelp || error is
        ConnectError.HolepunchAborted or ConnectError.HolepunchDoubleRandomizedNats or ConnectError.CannotHolepunch or
        ConnectError.RemoteNotHolepunchable or ConnectError.HolepunchProbeTimeout or ConnectError.RemoteNotHolepunching;

    private static string CodeOf(ConnectError error) => error switch
    {
        ConnectError.PeerNotFound => "PEER_NOT_FOUND",
        ConnectError.PeerConnectionFailed => "PEER_CONNECTION_FAILED",
        ConnectError.HandshakeInvalid => "HANDSHAKE_INVALID",
        ConnectError.ServerIncompatible => "SERVER_INCOMPATIBLE",
        ConnectError.ServerError => "SERVER_ERROR",
        ConnectError.CannotHolepunch => "CANNOT_HOLEPUNCH",
        ConnectError.HolepunchInvalid => "HOLEPUNCH_INVALID",
        ConnectError.HolepunchAborted => "HOLEPUNCH_ABORTED",
        ConnectError.HolepunchProbeTimeout => "HOLEPUNCH_PROBE_TIMEOUT",
        ConnectError.HolepunchDoubleRandomizedNats => "HOLEPUNCH_DOUBLE_RANDOMIZED_NATS",
        ConnectError.RemoteAborted => "REMOTE_ABORTED",
        ConnectError.RemoteNotHolepunching => "REMOTE_NOT_HOLEPUNCHING",
        ConnectError.RemoteNotHolepunchable => "REMOTE_NOT_HOLEPUNCHABLE",
        ConnectError.RelayAborted => "RELAY_ABORTED",
        ConnectError.Suspended => "SUSPENDED",
        ConnectError.TimedOut => "TIMED_OUT",
        ConnectError.TooManyStreams => "TOO_MANY_STREAMS",
        _ => throw new InvalidOperationException($"no code for {error}"),
    };

    private static string MessageOf(ConnectError error) => error switch
    {
        ConnectError.PeerNotFound => "no node of the DHT knows this peer: it is not listening, or in another network",
        ConnectError.PeerConnectionFailed => "nodes of the DHT know this peer, but it does not answer through any of them",
        ConnectError.HandshakeInvalid => "the handshake failed: whoever answers does not hold this key",
        ConnectError.ServerIncompatible => "the peer speaks a version of the protocol that is not known here",
        ConnectError.ServerError => "the peer refused the connection with an error",
        ConnectError.CannotHolepunch => "the peer is behind a firewall and offers no way through it",
        ConnectError.HolepunchInvalid => "the peer's answer about its firewall makes no sense",
        ConnectError.HolepunchAborted => "no way through the firewalls between here and the peer was found",
        ConnectError.HolepunchProbeTimeout => "what kind of firewall stands between here and the peer could not be found out in time",
        ConnectError.HolepunchDoubleRandomizedNats => "both firewalls use another port for every destination: a relay is needed",
        ConnectError.RemoteAborted => "the peer gave up while the firewalls were being opened",
        ConnectError.RemoteNotHolepunching => "the peer does not take part in opening its firewall",
        ConnectError.RemoteNotHolepunchable => "the firewalls between here and the peer cannot be opened: a relay is needed",
        ConnectError.RelayAborted => "the relay could not be reached, or did not join the connection",
        ConnectError.Suspended => "the node is suspended",
        ConnectError.TimedOut => "the connection did not come about in time",
        ConnectError.TooManyStreams => "too many connections are open",
        _ => throw new InvalidOperationException($"no message for {error}"),
    };
}
