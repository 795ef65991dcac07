using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace HyperActors.Udx;

/// <summary>An IP address and a port, as a value: one is compared and copied for every datagram.</summary>
/// <remarks>An IPv4 address is kept as the IPv6 address that maps it, so one host has one value.</remarks>
public readonly record struct UdxAddress : ISpanFormattable
{
    private const ulong MappedPrefix = 0xffff_0000_0000UL;

    private readonly ulong _high;
    private readonly ulong _low;

    /// <summary>Takes over the address and port of <paramref name="endpoint"/>.</summary>
    public UdxAddress(IPEndPoint endpoint)
        : this(endpoint.Address, endpoint.Port)
    {
    }

    /// <summary>Takes over <paramref name="address"/>.</summary>
    public UdxAddress(IPAddress address, int port)
    {
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out int length);
        if (length == 4)
        {
            _low = MappedPrefix | BinaryPrimitives.ReadUInt32BigEndian(bytes);
        }
        else
        {
            _high = BinaryPrimitives.ReadUInt64BigEndian(bytes);
            _low = BinaryPrimitives.ReadUInt64BigEndian(bytes[8..]);
        }

        Port = checked((ushort)port);
    }

    private UdxAddress(ulong high, ulong low, ushort port)
    {
        _high = high;
        _low = low;
        Port = port;
    }

    /// <summary>The port, in host order.</summary>
    public ushort Port { get; }

    /// <summary>Whether this is an IPv4 address, mapped or not.</summary>
    public bool IsIPv4 => _high == 0 && _low >> 32 == 0xffff;

    /// <summary>An IPv4 address from its 32 bits, first octet highest.</summary>
    public static UdxAddress FromIPv4(uint address, ushort port) => new(0, MappedPrefix | address, port);

    /// <summary>An IPv6 address from its sixteen bytes.</summary>
    public static UdxAddress FromIPv6(ReadOnlySpan<byte> address, ushort port) =>
        new(BinaryPrimitives.ReadUInt64BigEndian(address), BinaryPrimitives.ReadUInt64BigEndian(address[8..]), port);

    /// <summary>The IPv4 address as 32 bits, first octet highest; only for <see cref="IsIPv4"/>.</summary>
    public uint ToIPv4() => (uint)_low;

    /// <summary>Writes the sixteen bytes of the (mapped) IPv6 address.</summary>
    public void WriteIPv6(Span<byte> output)
    {
        BinaryPrimitives.WriteUInt64BigEndian(output, _high);
        BinaryPrimitives.WriteUInt64BigEndian(output[8..], _low);
    }

    /// <summary>The same address as the BCL writes it.</summary>
    public IPEndPoint ToIPEndPoint()
    {
        Span<byte> bytes = stackalloc byte[16];
        WriteIPv6(bytes);
        return new IPEndPoint(new IPAddress(IsIPv4 ? bytes[12..] : bytes), Port);
    }

    /// <inheritdoc/>
    public override string ToString() => ToIPEndPoint().ToString();

    /// <inheritdoc/>
    public string ToString(string? format, IFormatProvider? formatProvider) => ToString();

    /// <inheritdoc/>
    public bool TryFormat(
        Span<char> destination, out int charsWritten, ReadOnlySpan<char> format, IFormatProvider? provider)
    {
        string text = ToString();
        charsWritten = text.TryCopyTo(destination) ? text.Length : 0;
        return charsWritten > 0;
    }

    /// <summary>Reads what <see cref="ToString()"/> writes.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out UdxAddress address)
    {
        bool isAddress = IPEndPoint.TryParse(text, out IPEndPoint? endpoint) &&
            endpoint.AddressFamily is AddressFamily.InterNetwork or AddressFamily.InterNetworkV6;
        address = isAddress ? new UdxAddress(endpoint!) : default;
        return isAddress;
    }
}
