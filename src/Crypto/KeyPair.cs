using System.Security.Cryptography;

namespace HyperActors.Crypto;

/// <summary>An Ed25519 key pair: signs blocks, or is a peer's identity.</summary>
public sealed class KeyPair : IDisposable
{
    /// <summary>The size of a seed in bytes.</summary>
    public const int SeedSize = 32;

    /// <summary>Takes over the secret key, which already holds the public one.</summary>
    public KeyPair(SecretKey secretKey)
    {
        SecretKey = secretKey;
        PublicKey = new PublicKey(secretKey.AsSpan()[SeedSize..]);
    }

    /// <summary>What others know and verify with.</summary>
    public PublicKey PublicKey { get; }

    /// <summary>What signs; wiped with the pair.</summary>
    public SecretKey SecretKey { get; }

    /// <summary>The pair that grows from a seed of 32 bytes, always the same.</summary>
    /// <exception cref="ArgumentException">The seed has another length.</exception>
    public static KeyPair FromSeed(ReadOnlySpan<byte> seed)
    {
        if (seed.Length != SeedSize)
        {
            throw new ArgumentException($"A seed has {SeedSize} bytes, got {seed.Length}.", nameof(seed));
        }

        Span<byte> secret = stackalloc byte[SecretKey.Size];
        Ed25519.ExpandSeed(seed, secret);
        var pair = new KeyPair(new SecretKey(secret));
        CryptographicOperations.ZeroMemory(secret);
        return pair;
    }

    /// <summary>A new pair from the given source of chance.</summary>
    public static KeyPair Generate(RandomSource random)
    {
        Span<byte> seed = stackalloc byte[SeedSize];
        random.Fill(seed);
        KeyPair pair = FromSeed(seed);
        CryptographicOperations.ZeroMemory(seed);
        return pair;
    }

    /// <summary>Writes the 64-byte signature over <paramref name="message"/>.</summary>
    public void Sign(ReadOnlySpan<byte> message, Span<byte> signature) => Ed25519.Sign(message, SecretKey, signature);

    /// <summary>Wipes the secret half.</summary>
    public void Dispose() => SecretKey.Dispose();
}
