using System.Security.Cryptography;
using HyperActors.Crypto.Interop;

namespace HyperActors.Crypto;

/// <summary>Ed25519 signatures, and the Diffie-Hellman that the secret stream runs over the same keys.</summary>
public static unsafe class Ed25519
{
    /// <summary>The size of a signature in bytes.</summary>
    public const int SignatureSize = 64;

    /// <summary>The size of a shared secret in bytes: a compressed point.</summary>
    public const int SharedSecretSize = 32;

    /// <summary>Writes the 64-byte signature over <paramref name="message"/>.</summary>
    public static void Sign(ReadOnlySpan<byte> message, SecretKey secretKey, Span<byte> signature)
    {
        Invariant.Hold(signature.Length == SignatureSize);
        fixed (byte* s = signature, m = message, k = secretKey.AsSpan())
        {
            Invariant.Hold(Libsodium.SignDetached(s, null, m, (ulong)message.Length, k) == 0);
        }
    }

    /// <summary>True when <paramref name="signature"/> is the key's over <paramref name="message"/>; false for any nonsense.</summary>
    public static bool Verify(ReadOnlySpan<byte> signature, ReadOnlySpan<byte> message, in PublicKey publicKey)
    {
        if (signature.Length != SignatureSize)
        {
            return false;
        }

        fixed (byte* s = signature, m = message, k = publicKey.AsSpan())
        {
            return Libsodium.SignVerifyDetached(s, m, (ulong)message.Length, k) == 0;
        }
    }

    /// <summary>The shared point of our secret key and a remote public key (docs/secret-stream.md#noise).</summary>
    /// <remarks>Edwards points throughout: this is not X25519, and gives other values.</remarks>
    /// <returns>False when the remote key is no point of the main subgroup.</returns>
    public static bool TryDiffieHellman(SecretKey secretKey, ReadOnlySpan<byte> remotePublicKey, Span<byte> sharedSecret)
    {
        Invariant.Hold(sharedSecret.Length == SharedSecretSize);
        if (remotePublicKey.Length != PublicKey.Size)
        {
            return false;
        }

        Span<byte> scalar = stackalloc byte[64];
        fixed (byte* q = sharedSecret, n = scalar, p = remotePublicKey, k = secretKey.AsSpan())
        {
            Invariant.Hold(Libsodium.Sha512(n, k, KeyPair.SeedSize) == 0);
            scalar[0] &= 248;
            scalar[31] &= 127;
            scalar[31] |= 64;
            bool valid = Libsodium.ScalarMultEd25519NoClamp(q, n, p) == 0;
            CryptographicOperations.ZeroMemory(scalar);
            return valid;
        }
    }

    internal static void ExpandSeed(ReadOnlySpan<byte> seed, Span<byte> secretKey)
    {
        Span<byte> publicKey = stackalloc byte[PublicKey.Size];
        fixed (byte* p = publicKey, k = secretKey, s = seed)
        {
            Invariant.Hold(Libsodium.SignSeedKeyPair(p, k, s) == 0);
        }
    }
}
