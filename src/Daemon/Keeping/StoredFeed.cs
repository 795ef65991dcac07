using HyperActors.Catalog;
using HyperActors.Crypto;

namespace HyperActors.Daemon;

/// <summary>A feed of a storage as its catalog names it, for who only wants to know names: the storage need not be opened.</summary>
/// <param name="Name">What the storage calls it; null for one known by key alone.</param>
/// <param name="Key">Its key.</param>
public sealed record StoredFeed(string? Name, string Key)
{
    /// <summary>The feeds of a storage, whoever has it open; none when there is no storage.</summary>
    public static IReadOnlyList<StoredFeed> Look(string storagePath) =>
    [
        .. FeedCatalog.Look(Path.Combine(storagePath, "catalog.db"))
            .Where(feed => feed.Namespace == default)
            .Select(feed => new StoredFeed(feed.Name, feed.Key.ToString())),
    ];
}
