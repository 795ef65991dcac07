using HyperActors.Crypto;

namespace HyperActors.Abstractions;

/// <summary>What a feed is at one moment, as far as the disk has confirmed it.</summary>
public sealed record FeedInfo
{
    /// <summary>The name under which this store knows the feed; null for feeds known by key alone.</summary>
    public string? Name { get; init; }

    /// <summary>Its key; all zeros where only files know it that cannot be read.</summary>
    public required FeedKey Key { get; init; }

    /// <summary>The hash of its key: peers meet at this topic, and it lets nobody read.</summary>
    public required DiscoveryKey DiscoveryKey { get; init; }

    /// <summary>Blocks in the feed, here or elsewhere: the signed length.</summary>
    public required ulong Length { get; init; }

    /// <summary>Bytes in all of those blocks.</summary>
    public required ulong ByteLength { get; init; }

    /// <summary>How often the feed was truncated.</summary>
    public required ulong Fork { get; init; }

    /// <summary>Blocks that are here without a gap, counted from the first.</summary>
    public required ulong ContiguousLength { get; init; }

    /// <summary>True when this store holds the key that signs.</summary>
    public required bool IsWritable { get; init; }

    /// <summary>Why the feed cannot be opened; null for one that can. Nothing else but its name and keys is known then.</summary>
    public string? Damage { get; init; }

    /// <summary>Peers that this feed is open with right now.</summary>
    public int PeerCount { get; init; }
}
