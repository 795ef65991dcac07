using HyperActors.Crypto;

namespace HyperActors.Catalog;

/// <summary>What a node remembers of one feed.</summary>
/// <param name="Key">The feed's key.</param>
/// <param name="DiscoveryKey">Derived from the key; names the feed's folder.</param>
/// <param name="Namespace">The namespace that its name lives in; zero for the root.</param>
/// <param name="Name">Its name in that namespace; null for a feed known by key alone.</param>
/// <param name="IsWritable">True when this node holds the key that signs.</param>
/// <param name="Created">When this node first had it.</param>
public sealed record CatalogFeed(
    FeedKey Key, DiscoveryKey DiscoveryKey, Hash Namespace, string? Name, bool IsWritable, DateTimeOffset Created);
