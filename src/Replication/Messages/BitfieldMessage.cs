using System.Diagnostics.CodeAnalysis;
using HyperActors.Compact;

namespace HyperActors.Replication;

/// <summary>Says for each block of a stretch whether the sender has it.</summary>
/// <param name="Start">The block of the first bit.</param>
/// <param name="Words">Little endian 32-bit words, lowest bit first; in the memory from which the message was decoded.</param>
/// <remarks><code>| start: uint | n: uint | n x uint32 LE |</code></remarks>
public sealed record BitfieldMessage(ulong Start, ReadOnlyMemory<byte> Words) : ReplicationMessage
{
    public override MessageType Type => MessageType.Bitfield;

    public override int ApproximateSize => 32 + Words.Length;

    public override void Encode(ref CompactWriter writer)
    {
        writer.WriteUInt(Start);
        writer.WriteUInt((ulong)Words.Length / 4);
        writer.WriteFixed(Words.Span);
    }

    /// <inheritdoc cref="DataMessage.TryDecode"/>
    public static bool TryDecode(
        ref CompactReader reader, ReadOnlyMemory<byte> input, [NotNullWhen(true)] out BitfieldMessage? message)
    {
        ulong start = reader.ReadUInt();
        int count = reader.ReadCount(int.MaxValue / 4);
        reader.ReadFixed(4 * count);
        message = reader.Succeeded
            ? new BitfieldMessage(start, input.Slice(reader.Consumed - (4 * count), 4 * count))
            : null;
        return message is not null;
    }
}
