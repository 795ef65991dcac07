using System.Diagnostics.CodeAnalysis;
using HyperActors.Compact;

namespace HyperActors.Replication;

/// <summary>Asks which blocks of a stretch the receiver has, now and from now on.</summary>
/// <param name="Start">The first block.</param>
/// <param name="Length">How many; a power of two that divides <paramref name="Start"/>, unless any will do.</param>
/// <param name="Any">Whether one block of the stretch is enough.</param>
/// <remarks><code>| start: uint | length: uint | (optional) flags: uint (1 any) |</code></remarks>
public sealed record WantMessage(ulong Start, ulong Length, bool Any = false) : ReplicationMessage
{
    /// <summary>The blocks of one segment, the stretch that is asked for: 2^21.</summary>
    public const ulong SegmentLength = 1UL << 21;

    public override MessageType Type => MessageType.Want;

    public override void Encode(ref CompactWriter writer) => Encode(ref writer, Start, Length, Any);

    public static bool TryDecode(ref CompactReader reader, [NotNullWhen(true)] out WantMessage? message)
    {
        (ulong start, ulong length, bool any) = Decode(ref reader);
        message = new WantMessage(start, length, any);
        return reader.Succeeded;
    }

    internal static void Encode(ref CompactWriter writer, ulong start, ulong length, bool any)
    {
        writer.WriteUInt(start);
        writer.WriteUInt(length);
        if (any)
        {
            writer.WriteUInt(1);
        }
    }

    internal static (ulong Start, ulong Length, bool Any) Decode(ref CompactReader reader) =>
        (reader.ReadUInt(), reader.ReadUInt(), !reader.IsAtEnd && (reader.ReadUInt() & 1) != 0);
}

/// <summary>Takes a <see cref="WantMessage"/> back.</summary>
/// <remarks><code>| start: uint | length: uint | (optional) flags: uint (1 any) |</code></remarks>
public sealed record UnwantMessage(ulong Start, ulong Length, bool Any = false) : ReplicationMessage
{
    public override MessageType Type => MessageType.Unwant;

    public override void Encode(ref CompactWriter writer) => WantMessage.Encode(ref writer, Start, Length, Any);

    public static bool TryDecode(ref CompactReader reader, [NotNullWhen(true)] out UnwantMessage? message)
    {
        (ulong start, ulong length, bool any) = WantMessage.Decode(ref reader);
        message = new UnwantMessage(start, length, any);
        return reader.Succeeded;
    }
}
