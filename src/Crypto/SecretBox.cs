using HyperActors.Crypto.Interop;

namespace HyperActors.Crypto;

/// <summary>XSalsa20-Poly1305, as libsodium's secret box: what peers tell each other through relays.</summary>
public static unsafe class SecretBox
{
    /// <summary>The size of a key in bytes.</summary>
    public const int KeySize = 32;

    /// <summary>The size of a nonce in bytes: long enough for chance.</summary>
    public const int NonceSize = 24;

    /// <summary>How many bytes a ciphertext is longer than its plaintext; they come first.</summary>
    public const int TagSize = 16;

    /// <summary>Writes tag and ciphertext, <see cref="TagSize"/> bytes more than the plaintext.</summary>
    public static void Seal(ReadOnlySpan<byte> key, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> plaintext, Span<byte> output)
    {
        Invariant.Hold(key.Length == KeySize && nonce.Length == NonceSize);
        Invariant.Hold(output.Length == plaintext.Length + TagSize);
        fixed (byte* k = key, n = nonce, p = plaintext, o = output)
        {
            Invariant.Hold(Libsodium.SecretBoxEasy(o, p, (ulong)plaintext.Length, n, k) == 0);
        }
    }

    /// <summary>Writes the plaintext, <see cref="TagSize"/> bytes less than the ciphertext; false when it is forged.</summary>
    public static bool TryOpen(ReadOnlySpan<byte> key, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> ciphertext, Span<byte> output)
    {
        Invariant.Hold(key.Length == KeySize && nonce.Length == NonceSize);
        if (ciphertext.Length < TagSize)
        {
            return false;
        }

        Invariant.Hold(output.Length == ciphertext.Length - TagSize);
        fixed (byte* k = key, n = nonce, c = ciphertext, o = output)
        {
            return Libsodium.SecretBoxOpenEasy(o, c, (ulong)ciphertext.Length, n, k) == 0;
        }
    }
}
