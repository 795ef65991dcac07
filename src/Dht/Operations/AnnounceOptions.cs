using System.Collections.Immutable;

namespace HyperActors.Dht;

/// <summary>How a peer is announced.</summary>
public sealed record AnnounceOptions
{
    /// <summary>Nodes that know the peer; at most three are kept. None lets others look for its key.</summary>
    public ImmutableArray<DhtAddress> RelayAddresses { get; init; } = [];

    /// <summary>Takes earlier announcements back where they are met: the addresses are then the new ones.</summary>
    public bool ShouldClear { get; init; }

    /// <summary>Asks for attention: milliseconds since 1970. 0 for not.</summary>
    public ulong Bump { get; init; }
}
