using HyperActors.Crypto;
using HyperActors.Merkle;

namespace HyperActors.Storage;

/// <summary>Which feed a <see cref="FeedLog"/> is to open or make. At least a key, a key pair or a manifest.</summary>
public sealed record FeedIdentity
{
    /// <summary>The feed's key; found from the manifest or the key pair when it is not given.</summary>
    public FeedKey? Key { get; init; }

    /// <summary>Names a feed that is there already when nothing else of it is known.</summary>
    public DiscoveryKey? DiscoveryKey { get; init; }

    /// <summary>Who signs here; null for a feed that is only read. Stays the caller's.</summary>
    public KeyPair? KeyPair { get; init; }

    /// <summary>Who may sign; found from the key pair, or learned from peers, when it is not given.</summary>
    public Manifest? Manifest { get; init; }

    /// <summary>Whether the feed is made when there is none.</summary>
    public bool Create { get; init; } = true;

    /// <summary>The key and the manifest of a new feed.</summary>
    /// <exception cref="FeedConflictException">The parts contradict each other.</exception>
    internal (FeedKey Key, Manifest? Manifest) Resolve()
    {
        if (Manifest is { } given)
        {
            FeedKey key = Key ?? given.ToKey();
            return given.Describes(key) ? (key, given) : throw Contradiction("the manifest is not that of the key");
        }

        if (KeyPair is not { } pair)
        {
            return Key is { } known
                ? (known, null)
                : throw new FeedConflictException("A feed needs a key, a key pair or a manifest.");
        }

        foreach (int version in (ReadOnlySpan<int>)[1, 0])
        {
            Manifest manifest = Merkle.Manifest.ForSigner(pair.PublicKey, version);
            FeedKey key = Key ?? manifest.ToKey();
            if (manifest.Describes(key))
            {
                return (key, manifest);
            }
        }

        throw Contradiction("the key pair does not sign the feed of that key");
    }

    /// <summary>Whether a feed on disk is the one that is meant.</summary>
    internal bool IsMeant(FeedKey stored)
    {
        if (Key is { } key)
        {
            return key == stored;
        }

        if (Manifest is { } manifest)
        {
            return manifest.Describes(stored);
        }

        if (KeyPair is null && DiscoveryKey is { } discoveryKey)
        {
            return stored.ToDiscoveryKey() == discoveryKey;
        }

        return KeyPair is { } pair
            && (Merkle.Manifest.ForSigner(pair.PublicKey).Describes(stored) || Manifest.ForSigner(pair.PublicKey, 0).ToKey() == stored);
    }

    private static FeedConflictException Contradiction(string what) => new($"Can't make the feed: {what}.");
}
