using HyperActors.Crypto.Interop;

namespace HyperActors.Crypto;

/// <summary>ChaCha20-Poly1305 (RFC 8439): the cipher of the Noise handshake.</summary>
public static unsafe class ChaCha20Poly1305Ietf
{
    /// <summary>The size of a key in bytes.</summary>
    public const int KeySize = 32;

    /// <summary>The size of a nonce in bytes.</summary>
    public const int NonceSize = 12;

    /// <summary>How many bytes a ciphertext is longer than its plaintext.</summary>
    public const int TagSize = 16;

    /// <summary>Writes ciphertext and tag, <see cref="TagSize"/> bytes more than the plaintext.</summary>
    public static void Encrypt(
        ReadOnlySpan<byte> key, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> associatedData, ReadOnlySpan<byte> plaintext, Span<byte> output)
    {
        Invariant.Hold(key.Length == KeySize && nonce.Length == NonceSize);
        Invariant.Hold(output.Length == plaintext.Length + TagSize);
        fixed (byte* k = key, n = nonce, a = associatedData, p = plaintext, o = output)
        {
            int result = Libsodium.AeadEncrypt(
                o, null, p, (ulong)plaintext.Length, a, (ulong)associatedData.Length, null, n, k);
            Invariant.Hold(result == 0);
        }
    }

    /// <summary>Writes the plaintext, <see cref="TagSize"/> bytes less than the ciphertext; false when it is forged.</summary>
    public static bool TryDecrypt(
        ReadOnlySpan<byte> key, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> associatedData, ReadOnlySpan<byte> ciphertext, Span<byte> output)
    {
        Invariant.Hold(key.Length == KeySize && nonce.Length == NonceSize);
        if (ciphertext.Length < TagSize)
        {
            return false;
        }

        Invariant.Hold(output.Length == ciphertext.Length - TagSize);
        fixed (byte* k = key, n = nonce, a = associatedData, c = ciphertext, o = output)
        {
            return Libsodium.AeadDecrypt(
                o, null, null, c, (ulong)ciphertext.Length, a, (ulong)associatedData.Length, n, k) == 0;
        }
    }
}
