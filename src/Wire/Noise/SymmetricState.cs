using System.Security.Cryptography;
using HyperActors.Crypto;

namespace HyperActors.Wire;

/// <summary>What a handshake has hashed and agreed so far: h, ck and the cipher of Noise.</summary>
internal sealed class SymmetricState : IDisposable
{
    public const int HashSize = 64;

    private const int HmacBlockSize = 128;

    private readonly byte[] _hash = new byte[HashSize];
    private readonly byte[] _chainingKey = GC.AllocateArray<byte>(HashSize, pinned: true);
    private readonly CipherState _cipher = new();

    public SymmetricState(ReadOnlySpan<byte> protocolName, ReadOnlySpan<byte> prologue)
    {
        // The names of this protocol are shorter than a hash: padded with zeros, not hashed.
        protocolName.CopyTo(_hash);
        _hash.CopyTo(_chainingKey, 0);
        MixHash(prologue);
    }

    public ReadOnlySpan<byte> Hash => _hash;

    public int Overhead => _cipher.Overhead;

    public void MixHash(ReadOnlySpan<byte> data) => Blake2b.Concat(_hash, data, _hash);

    public void MixKey(ReadOnlySpan<byte> secret)
    {
        Span<byte> second = stackalloc byte[HashSize];
        DeriveKeys(secret, _chainingKey, second);
        _cipher.SetKey(second[..ChaCha20Poly1305Ietf.KeySize]);
        CryptographicOperations.ZeroMemory(second);
    }

    public void EncryptAndHash(ReadOnlySpan<byte> plaintext, Span<byte> ciphertext)
    {
        _cipher.Encrypt(_hash, plaintext, ciphertext);
        MixHash(ciphertext);
    }

    public bool TryDecryptAndHash(ReadOnlySpan<byte> ciphertext, Span<byte> plaintext)
    {
        bool genuine = _cipher.TryDecrypt(_hash, ciphertext, plaintext);
        MixHash(ciphertext);
        return genuine;
    }

    /// <summary>The initiator's sending key and the responder's, 32 bytes each.</summary>
    public void Split(Span<byte> initiatorKey, Span<byte> responderKey)
    {
        Span<byte> first = stackalloc byte[HashSize];
        Span<byte> second = stackalloc byte[HashSize];
        DeriveKeys(default, first, second);
        first[..initiatorKey.Length].CopyTo(initiatorKey);
        second[..responderKey.Length].CopyTo(responderKey);
        CryptographicOperations.ZeroMemory(first);
        CryptographicOperations.ZeroMemory(second);
    }

    public void Dispose()
    {
        CryptographicOperations.ZeroMemory(_chainingKey);
        _cipher.Dispose();
    }

    // HKDF with two outputs, over HMAC-BLAKE2b-512; the first may be the chaining key itself.
    private void DeriveKeys(ReadOnlySpan<byte> secret, Span<byte> first, Span<byte> second)
    {
        Span<byte> key = stackalloc byte[HashSize];
        Hmac(_chainingKey, secret, key);
        Hmac(key, [1], first);
        Span<byte> input = stackalloc byte[HashSize + 1];
        first.CopyTo(input);
        input[HashSize] = 2;
        Hmac(key, input, second);
        CryptographicOperations.ZeroMemory(key);
        CryptographicOperations.ZeroMemory(input);
    }

    private static void Hmac(ReadOnlySpan<byte> key, ReadOnlySpan<byte> input, Span<byte> output)
    {
        Span<byte> inner = stackalloc byte[HmacBlockSize];
        Span<byte> outer = stackalloc byte[HmacBlockSize];
        inner.Fill(0x36);
        outer.Fill(0x5c);
        for (int i = 0; i < key.Length; i++)
        {
            inner[i] ^= key[i];
            outer[i] ^= key[i];
        }

        Span<byte> digest = stackalloc byte[HashSize];
        Blake2b.Concat(inner, input, digest);
        Blake2b.Concat(outer, digest, output);
        CryptographicOperations.ZeroMemory(inner);
        CryptographicOperations.ZeroMemory(outer);
    }
}
