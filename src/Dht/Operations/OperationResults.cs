using System.Collections.Immutable;
using HyperActors.Crypto;

namespace HyperActors.Dht;

/// <summary>How an operation ended.</summary>
public sealed class OperationResult
{
    internal OperationResult(QueryResult query)
    {
        ClosestNodes = [.. query.ClosestReplies.Select(reply => reply.From)];
        Successes = query.Successes;
        Errors = query.Errors;
        Stored = query.Committed;
        StoreError = (HyperError)query.CommitError;
    }

    /// <summary>The nodes closest to the target that answered, nearest first: where the next operation on it may start.</summary>
    public IReadOnlyList<DhtAddress> ClosestNodes { get; }

    /// <summary>Nodes that answered.</summary>
    public int Successes { get; }

    /// <summary>Nodes that did not.</summary>
    public int Errors { get; }

    /// <summary>Nodes that keep what they were given.</summary>
    public int Stored { get; }

    /// <summary>Why one of the others does not; none when they did not say.</summary>
    public HyperError StoreError { get; }
}

/// <summary>What one node knows of a topic.</summary>
/// <param name="From">The node.</param>
/// <param name="To">How it sees us.</param>
/// <param name="Peers">Whom it has under the topic.</param>
/// <param name="Bump">When somebody last asked for attention, in milliseconds since 1970; 0 for never.</param>
public sealed record TopicFound(DhtAddress From, DhtAddress To, ImmutableArray<Peer> Peers, ulong Bump);

/// <summary>A node that knows a server.</summary>
/// <param name="From">The node: it passes handshakes on.</param>
/// <param name="To">How it sees us.</param>
/// <param name="Peer">The server.</param>
public sealed record ServerFound(DhtAddress From, DhtAddress To, Peer Peer);

/// <summary>A value that a node kept.</summary>
/// <param name="From">The node.</param>
/// <param name="Value">The value, whose hash is right.</param>
public sealed record ImmutableFound(DhtAddress From, ReadOnlyMemory<byte> Value);

/// <summary>A signed value that a node kept.</summary>
/// <param name="From">The node.</param>
/// <param name="Record">The value, whose signature is right.</param>
public sealed record MutableFound(DhtAddress From, MutableRecord Record);

/// <summary>What came of keeping a value.</summary>
/// <param name="Target">What it is found under.</param>
/// <param name="Result">Who keeps it.</param>
/// <param name="NewestSequence">The greatest number that a node had, ours aside; null when none had a value.</param>
public sealed record PutResult(Hash Target, OperationResult Result, ulong? NewestSequence = null);
