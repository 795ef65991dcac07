using HyperActors.Merkle;

namespace HyperActors.Replication;

/// <summary>The committed version of the feed that is replicated.</summary>
/// <param name="Fork">How often it was cut.</param>
/// <param name="Length">Blocks.</param>
/// <param name="ByteLength">Bytes of all blocks, those that are missing here too.</param>
/// <param name="Manifest">Who signs it; null while that is not known.</param>
public readonly record struct FeedState(ulong Fork, ulong Length, ulong ByteLength, Manifest? Manifest);
