using HyperActors.Crypto;

namespace HyperActors.Dht;

/// <summary>What a node answered.</summary>
public sealed class DhtReply
{
    /// <summary>Who answered: the address that was asked.</summary>
    public required DhtAddress From { get; init; }

    /// <summary>Where the answer was sent to: how the node sees us.</summary>
    public required DhtAddress To { get; init; }

    /// <summary>The node's id, checked against its address; null for nodes that don't say theirs (ephemeral ones).</summary>
    public Hash? Id { get; init; }

    /// <summary>What to show the node with a request to store.</summary>
    public Hash? Token { get; init; }

    /// <summary>Nodes that this one believes to be nearer to the target.</summary>
    public IReadOnlyList<DhtAddress> CloserNodes { get; init; } = [];

    /// <summary>One of <see cref="DhtErrors"/>, or the application's.</summary>
    public uint Error { get; init; }

    /// <summary>Null for none, which is not the same as empty.</summary>
    public ReadOnlyMemory<byte>? Value { get; init; }

    /// <summary>From the last attempt to the answer.</summary>
    public TimeSpan RoundTrip { get; init; }

    /// <summary>The socket that the answer came to.</summary>
    public int Socket { get; init; }
}
