using HyperActors.Abstractions;
using HyperActors.Crypto;

namespace HyperActors.Daemon;

/// <summary>Feeds by what stands in a path: a key or a name. Opens none that the store does not have.</summary>
internal sealed class FeedTable(IHyperNode node)
{
    /// <exception cref="ApiException">The store has no such feed.</exception>
    public async ValueTask<IFeed> OpenAsync(string nameOrKey, CancellationToken cancellationToken) =>
        (FeedKey.TryParse(nameOrKey, out FeedKey key)
            ? await node.FindFeedAsync(key, cancellationToken)
            : await node.FindFeedAsync(nameOrKey, cancellationToken))
        ?? throw ApiException.NoFeed(nameOrKey);

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
