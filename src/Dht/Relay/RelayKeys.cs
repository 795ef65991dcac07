using System.Security.Cryptography;
using HyperActors.Crypto;

namespace HyperActors.Dht;

/// <summary>The keys that a node relays under.</summary>
/// <remarks>Not its own: a peer that is connected to the node already, for its feeds, would otherwise have a second connection
/// to the same key, which swarms take for a mistake and close.</remarks>
public static class RelayKeys
{
    private static ReadOnlySpan<byte> Purpose => "hyperactors/blind-relay"u8;

    /// <summary>The pair that grows from a node's own, always the same.</summary>
    public static KeyPair From(KeyPair node)
    {
        Span<byte> seed = stackalloc byte[KeyPair.SeedSize];
        Blake2b.Keyed(node.SecretKey.AsSpan()[..KeyPair.SeedSize], Purpose, seed);
        KeyPair keys = KeyPair.FromSeed(seed);
        CryptographicOperations.ZeroMemory(seed);
        return keys;
    }
}
