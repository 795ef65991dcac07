using System.Net;
using HyperActors.Crypto;

namespace HyperActors.Swarm;

/// <summary>What local discovery reports.</summary>
public abstract record LocalDiscoveryEvent
{
    private LocalDiscoveryEvent()
    {
    }

    /// <summary>A peer of a topic is on the local network. A hint: its handshake has to prove the key.</summary>
    public sealed record PeerSeen(DiscoveryKey Topic, PublicKey PublicKey, IReadOnlyList<IPEndPoint> Addresses) : LocalDiscoveryEvent;

    /// <summary>It has said goodbye, or was not heard for long.</summary>
    public sealed record PeerGone(DiscoveryKey Topic, PublicKey PublicKey) : LocalDiscoveryEvent;
}

/// <summary>A packet that wants to leave.</summary>
/// <param name="Bytes">The packet.</param>
/// <param name="To">Who alone is to get it; null for everybody.</param>
public readonly record struct LocalPacket(ReadOnlyMemory<byte> Bytes, IPEndPoint? To);

/// <summary>One interface of this machine.</summary>
/// <param name="Address">Its IPv4 address: what others are told.</param>
/// <param name="PrefixLength">Leading bits of the address that everybody on the link shares.</param>
public sealed record LocalInterface(IPAddress Address, int PrefixLength)
{
    /// <summary>True for an IPv4 address on this link.</summary>
    public bool IsOnLink(IPAddress address)
    {
        Span<byte> ours = stackalloc byte[4];
        Span<byte> theirs = stackalloc byte[4];
        address = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        if (address.AddressFamily != System.Net.Sockets.AddressFamily.InterNetwork
            || !Address.TryWriteBytes(ours, out _)
            || !address.TryWriteBytes(theirs, out _))
        {
            return false;
        }

        uint mask = PrefixLength == 0 ? 0 : uint.MaxValue << (32 - PrefixLength);
        uint difference = System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(ours)
            ^ System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(theirs);
        return (difference & mask) == 0;
    }
}
