using System.Buffers.Binary;

namespace HyperActors.Udx;

/// <summary>What a packet carries; several may be set, unknown bits mean nothing.</summary>
[Flags]
public enum PacketFlags : byte
{
    /// <summary>Nothing but the acknowledgement in the header.</summary>
    None = 0,

    /// <summary>Ordered bytes of the stream; consumes a sequence number.</summary>
    Data = 1,

    /// <summary>The last packet of the stream; shares its number with the data it rides on.</summary>
    End = 2,

    /// <summary>The extension holds selective acknowledgements.</summary>
    Sack = 4,

    /// <summary>An unordered datagram, neither acknowledged nor repeated.</summary>
    Message = 8,

    /// <summary>The stream is aborted.</summary>
    Destroy = 16,

    /// <summary>A question that an acknowledgement answers.</summary>
    Heartbeat = 32,
}

/// <summary>The twenty bytes in front of every packet.</summary>
/// <remarks><code>
/// | FF | version 01 | flags | data offset | stream id: u32 | window: u32 | sequence: u32 | acknowledged: u32 |
/// </code>
/// All little endian. The id is the receiver's. Sequence numbers count packets, not bytes. The data offset is the
/// length of what stands between header and payload: selective acknowledgements, or the padding of an MTU probe.</remarks>
public readonly record struct PacketHeader(
    PacketFlags Flags, byte DataOffset, uint StreamId, uint Window, uint Sequence, uint Acknowledged)
{
    /// <summary>Bytes of a header.</summary>
    public const int Size = 20;

    /// <summary>Blocks that fit the longest selective acknowledgement.</summary>
    public const int MaxSackBlocks = 50;

    /// <summary>Bytes of one block: start and end, half open.</summary>
    public const int SackBlockSize = 8;

    internal const byte Magic = 0xff;
    internal const byte Version = 1;

    /// <summary>Whether any of <paramref name="flags"/> is set.</summary>
    public bool Has(PacketFlags flags) => (Flags & flags) != PacketFlags.None;

    /// <summary>Reads the header of <paramref name="datagram"/>; false when this is no UDX packet.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> datagram, out PacketHeader header)
    {
        if (datagram.Length < Size || datagram[0] != Magic || datagram[1] != Version)
        {
            header = default;
            return false;
        }

        header = new PacketHeader(
            (PacketFlags)datagram[2],
            datagram[3],
            BinaryPrimitives.ReadUInt32LittleEndian(datagram[4..]),
            BinaryPrimitives.ReadUInt32LittleEndian(datagram[8..]),
            BinaryPrimitives.ReadUInt32LittleEndian(datagram[12..]),
            BinaryPrimitives.ReadUInt32LittleEndian(datagram[16..]));
        return true;
    }

    /// <summary>Writes the header to the front of <paramref name="output"/>.</summary>
    public void Encode(Span<byte> output)
    {
        output[0] = Magic;
        output[1] = Version;
        output[2] = (byte)Flags;
        output[3] = DataOffset;
        BinaryPrimitives.WriteUInt32LittleEndian(output[4..], StreamId);
        BinaryPrimitives.WriteUInt32LittleEndian(output[8..], Window);
        BinaryPrimitives.WriteUInt32LittleEndian(output[12..], Sequence);
        BinaryPrimitives.WriteUInt32LittleEndian(output[16..], Acknowledged);
    }

    /// <summary>Puts another stream's id into an encoded packet, as a relay does.</summary>
    internal static void Readdress(Span<byte> packet, uint streamId) =>
        BinaryPrimitives.WriteUInt32LittleEndian(packet[4..], streamId);
}
