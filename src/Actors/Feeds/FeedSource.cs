using HyperActors.Crypto;

namespace HyperActors.Actors;

/// <summary>What is known of a feed before its files are opened, and where its actor shows what becomes known.</summary>
/// <param name="View">Names the directory, and the feed if it has a name here.</param>
/// <param name="Key">Its key; null when only the files know it.</param>
/// <param name="KeyPair">What signs; null when this store does not write it, or the files know.</param>
public sealed record FeedSource(FeedView View, FeedKey? Key, KeyPair? KeyPair);
