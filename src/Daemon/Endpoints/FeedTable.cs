using System.Collections.Concurrent;
using HyperActors.Abstractions;
using HyperActors.Crypto;

namespace HyperActors.Daemon;

/// <summary>Feeds by what stands in a path: a key or a name. Opens none that the store does not have.</summary>
internal sealed class FeedTable(IHyperNode node)
{
    private readonly ConcurrentDictionary<FeedKey, byte> _known = new();

    /// <exception cref="ApiException">The store has no such feed.</exception>
    public async ValueTask<IFeed> OpenAsync(string nameOrKey, CancellationToken cancellationToken)
    {
        if (!FeedKey.TryParse(nameOrKey, out FeedKey key))
        {
            return await node.FindFeedAsync(nameOrKey, cancellationToken) ?? throw ApiException.NoFeed(nameOrKey);
        }

        // A feed that is opened by key is made: ask first. A store never loses one.
        if (!_known.ContainsKey(key))
        {
            foreach (FeedInfo info in await node.ListFeedsAsync(cancellationToken))
            {
                _known.TryAdd(info.Key, 0);
            }

            if (!_known.ContainsKey(key))
            {
                throw ApiException.NoFeed(nameOrKey);
            }
        }

        return await node.OpenFeedAsync(key, cancellationToken);
    }

    public static string CheckName(string name)
    {
        bool isName = name.Length is > 0 and <= 255
            && !name.Any(char.IsControl)
            && name.Trim().Length == name.Length
            && name[0] != '-'
            && !FeedKey.TryParse(name, out _);
        return isName ? name : throw ApiException.BadRequest(
            "a feed's name has 1 to 255 characters, no control characters, no space at either end, no '-' in front, and does not read as a key");
    }
}
