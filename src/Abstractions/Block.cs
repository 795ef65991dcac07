namespace HyperActors.Abstractions;

/// <summary>One entry of a feed.</summary>
/// <param name="Index">Its place in the feed, from 0.</param>
/// <param name="Bytes">Its content, as it was appended.</param>
public readonly record struct Block(ulong Index, ReadOnlyMemory<byte> Bytes);
