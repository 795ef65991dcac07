using System.Diagnostics.CodeAnalysis;
using HyperActors.Compact;

namespace HyperActors.Replication;

/// <summary>Says that the sender has a stretch of blocks, or no longer has it.</summary>
/// <param name="Start">The first block; 0, when not dropped, says that everything up to the length is there.</param>
/// <param name="Length">How many.</param>
/// <param name="IsDropped">Whether they are gone.</param>
/// <remarks><code>| flags: uint (1 drop, 2 length is 1) | start: uint | [not 2] length: uint |</code></remarks>
public sealed record RangeMessage(ulong Start, ulong Length, bool IsDropped = false) : ReplicationMessage
{
    public override MessageType Type => MessageType.Range;

    public override void Encode(ref CompactWriter writer)
    {
        writer.WriteUInt((IsDropped ? 1u : 0) | (Length == 1 ? 2u : 0));
        writer.WriteUInt(Start);
        if (Length != 1)
        {
            writer.WriteUInt(Length);
        }
    }

    public static bool TryDecode(ref CompactReader reader, [NotNullWhen(true)] out RangeMessage? message)
    {
        ulong flags = reader.ReadUInt();
        ulong start = reader.ReadUInt();
        ulong length = (flags & 2) != 0 ? 1 : reader.ReadUInt();
        message = new RangeMessage(start, length, (flags & 1) != 0);
        return reader.Succeeded;
    }
}
