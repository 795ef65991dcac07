namespace HyperActors.Udx;

/// <summary>Where a stream's packets go: from this socket, to this address, for the stream with this id over there.</summary>
internal sealed record UdxPath(int Socket, uint RemoteId, UdxAddress Remote)
{
    /// <summary>Bytes of IP and UDP headers in front of every packet.</summary>
    public int IpOverhead => Remote.IsIPv4 ? 28 : 48;
}
