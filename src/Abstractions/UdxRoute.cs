using System.Net;

namespace HyperActors.Abstractions;

/// <summary>The two ends of a UDX stream. There is no handshake that would tell them: both sides agree on them elsewhere.</summary>
/// <param name="Local">Our address; port 0 takes a free one.</param>
/// <param name="LocalId">Our id of the stream, which the peer writes into every packet.</param>
/// <param name="Remote">The peer's address.</param>
/// <param name="RemoteId">The peer's id of the stream.</param>
public sealed record UdxRoute(IPEndPoint Local, uint LocalId, IPEndPoint Remote, uint RemoteId);
