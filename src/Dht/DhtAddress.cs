using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using HyperActors.Compact;
using HyperActors.Crypto;

namespace HyperActors.Dht;

/// <summary>An IPv4 address and a port: the DHT knows no others.</summary>
/// <remarks><code>| host: 4 octets | port: uint16 LE |</code></remarks>
/// <param name="Host">The address, first octet highest.</param>
/// <param name="Port">The port, in host order.</param>
public readonly record struct DhtAddress(uint Host, ushort Port) : IEncodable
{
    /// <summary>Bytes of an address on the wire.</summary>
    public const int Size = 6;

    /// <summary>Takes over an IPv4 endpoint, also one that is mapped into IPv6.</summary>
    /// <returns>False for every other address.</returns>
    public static bool TryFrom(IPEndPoint endpoint, out DhtAddress address)
    {
        Span<byte> bytes = stackalloc byte[4];
        IPAddress host = endpoint.Address.IsIPv4MappedToIPv6 ? endpoint.Address.MapToIPv4() : endpoint.Address;
        bool isIPv4 = host.AddressFamily == AddressFamily.InterNetwork && host.TryWriteBytes(bytes, out _);
        address = isIPv4 ? new DhtAddress(BinaryPrimitives.ReadUInt32BigEndian(bytes), (ushort)endpoint.Port) : default;
        return isIPv4;
    }

    public static bool TryDecode(ref CompactReader reader, out DhtAddress address)
    {
        ReadOnlySpan<byte> host = reader.ReadFixed(4);
        ushort port = reader.ReadUInt16();
        address = reader.Succeeded ? new DhtAddress(BinaryPrimitives.ReadUInt32BigEndian(host), port) : default;
        return reader.Succeeded;
    }

    public void Encode(ref CompactWriter writer)
    {
        Span<byte> bytes = stackalloc byte[Size];
        CopyTo(bytes);
        writer.WriteFixed(bytes);
    }

    /// <summary>Writes the six bytes.</summary>
    public void CopyTo(Span<byte> output)
    {
        BinaryPrimitives.WriteUInt32BigEndian(output, Host);
        BinaryPrimitives.WriteUInt16LittleEndian(output[4..], Port);
    }

    /// <summary>The id of the node that listens here: ids are bound to addresses.</summary>
    public Hash ToNodeId()
    {
        Span<byte> bytes = stackalloc byte[Size];
        Span<byte> id = stackalloc byte[Hash.Size];
        CopyTo(bytes);
        Blake2b.Hash(bytes, id);
        return new Hash(id);
    }

    public IPEndPoint ToIPEndPoint()
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, Host);
        return new IPEndPoint(new IPAddress(bytes), Port);
    }

    public override string ToString() => ToIPEndPoint().ToString();
}
