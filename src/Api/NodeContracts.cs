namespace HyperActors.Api;

/// <summary>The node.</summary>
/// <param name="PublicKey">Its identity on encrypted connections.</param>
/// <param name="Name">The name under which clients on this machine find it.</param>
/// <param name="Storage">Where its feeds are.</param>
/// <param name="Version">The version of the program.</param>
/// <param name="ProcessId">The process.</param>
/// <param name="UptimeSeconds">How long it has been running.</param>
/// <param name="Feeds">Feeds in the store.</param>
/// <param name="Connections">Connections right now.</param>
public sealed record NodeDto(
    string PublicKey, string Name, string Storage, string Version, int ProcessId, double UptimeSeconds, int Feeds, int Connections);

/// <summary>One setting.</summary>
/// <param name="Key">Its place in the configuration: <c>api.port</c>.</param>
/// <param name="Value">Its value, as the configuration writes it.</param>
/// <param name="Default">The value without any configuration.</param>
/// <param name="Origin">Where the value comes from: <c>default</c>, a file and line, a variable of the environment, or a flag.</param>
/// <param name="Allowed">What may stand there, in words.</param>
/// <param name="Reloadable">True when SIGHUP takes up a new value.</param>
public sealed record SettingDto(string Key, string Value, string Default, string Origin, string Allowed, bool Reloadable);

/// <summary>Whether the node lives, and can be used.</summary>
/// <param name="Status"><c>healthy</c> or <c>unhealthy</c>.</param>
/// <param name="Detail">Why not.</param>
public sealed record HealthDto(string Status, string? Detail = null);

/// <summary>A TCP address to connect to.</summary>
public sealed record ConnectRequest(string Host, int Port);

/// <summary>Both ends of a UDX stream, which two nodes have agreed on elsewhere.</summary>
/// <param name="Local">Our address; port 0 takes a free one.</param>
/// <param name="LocalId">Our id of the stream.</param>
/// <param name="Remote">The peer's address.</param>
/// <param name="RemoteId">The peer's id of the stream.</param>
/// <param name="Accept">Wait until the peer speaks, instead of speaking first.</param>
public sealed record UdxConnectRequest(string Local, uint LocalId, string Remote, uint RemoteId, bool Accept = false);

/// <summary>A TCP address to take connections on: <c>127.0.0.1:0</c>, <c>[::1]:4000</c>.</summary>
public sealed record ListenRequest(string Address);

/// <summary>The address in use: port 0 has become the port that the system chose.</summary>
public sealed record ListenResult(string Address);

/// <summary>The other end of a connection.</summary>
/// <param name="ConnectionId">Counts the connections of the node, from 1.</param>
/// <param name="PublicKey">Who it is.</param>
/// <param name="Address">Where it is, when that is known.</param>
/// <param name="Initiator">True when this node dialled.</param>
public sealed record PeerDto(long ConnectionId, string PublicKey, string? Address, bool Initiator);

/// <summary>A connection and what went over it.</summary>
/// <param name="Peer">The other end.</param>
/// <param name="Transport"><c>tcp</c> or <c>udx</c>.</param>
/// <param name="BytesReceived">Bytes that came, encryption included.</param>
/// <param name="BytesSent">Bytes that left, encryption included.</param>
/// <param name="RoundTripMs">The smoothed round trip, where the transport measures it.</param>
public sealed record ConnectionDto(PeerDto Peer, string Transport, long BytesReceived, long BytesSent, double? RoundTripMs);

/// <summary>Something that happened to a connection.</summary>
/// <param name="Kind"><c>opened</c>, <c>closed</c> or <c>message</c>.</param>
/// <param name="ConnectionId">Which one.</param>
/// <param name="Address">Where the peer is, when that is known.</param>
/// <param name="Peer">Of an opened one: who is there.</param>
/// <param name="Reason">Of a closed one: why; null for an orderly end.</param>
/// <param name="Base64">Of a message beside the stream: its bytes.</param>
public sealed record ConnectionEventDto(
    string Kind, long ConnectionId, string? Address = null, PeerDto? Peer = null, string? Reason = null, string? Base64 = null)
{
    public const string Message = "message";
    public const string Opened = "opened";
    public const string Moved = "moved";
    public const string Closed = "closed";
}
