namespace HyperActors.Abstractions;

/// <summary>Where a byte of a feed is.</summary>
/// <param name="Index">The block that holds it.</param>
/// <param name="Offset">Its place in the block.</param>
public readonly record struct BytePosition(ulong Index, ulong Offset);

/// <summary>Which blocks of a feed are on this disk.</summary>
/// <param name="Length">The length that the cells divide into equal parts.</param>
/// <param name="Blocks">Blocks that are here, all in all.</param>
/// <param name="Cells">A byte for each part: 0 nothing of it is here, 255 all of it, what lies between is a share.</param>
public sealed record FeedMap(ulong Length, ulong Blocks, ReadOnlyMemory<byte> Cells);

/// <summary>A peer that a feed is open with.</summary>
/// <param name="ConnectionId">The connection to it.</param>
/// <param name="Length">The length that it has shown.</param>
/// <param name="ContiguousLength">Blocks that it has without a gap, from the first, as far as it has said.</param>
public sealed record FeedPeer(long ConnectionId, ulong Length, ulong ContiguousLength);
