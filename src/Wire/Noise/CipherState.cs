using System.Buffers.Binary;
using System.Security.Cryptography;
using HyperActors.Crypto;

namespace HyperActors.Wire;

/// <summary>The cipher of a handshake: no key at first, then a key and a counter.</summary>
internal sealed class CipherState : IDisposable
{
    private readonly byte[] _key = GC.AllocateArray<byte>(ChaCha20Poly1305Ietf.KeySize, pinned: true);
    private uint _counter;

    public bool HasKey { get; private set; }

    /// <summary>How many bytes a ciphertext is longer than its plaintext right now.</summary>
    public int Overhead => HasKey ? ChaCha20Poly1305Ietf.TagSize : 0;

    public void SetKey(ReadOnlySpan<byte> key)
    {
        key.CopyTo(_key);
        _counter = 0;
        HasKey = true;
    }

    public void Encrypt(ReadOnlySpan<byte> associatedData, ReadOnlySpan<byte> plaintext, Span<byte> ciphertext)
    {
        if (!HasKey)
        {
            plaintext.CopyTo(ciphertext);
            return;
        }

        Span<byte> nonce = stackalloc byte[ChaCha20Poly1305Ietf.NonceSize];
        NextNonce(nonce);
        ChaCha20Poly1305Ietf.Encrypt(_key, nonce, associatedData, plaintext, ciphertext);
    }

    public bool TryDecrypt(ReadOnlySpan<byte> associatedData, ReadOnlySpan<byte> ciphertext, Span<byte> plaintext)
    {
        if (!HasKey)
        {
            ciphertext.CopyTo(plaintext);
            return true;
        }

        Span<byte> nonce = stackalloc byte[ChaCha20Poly1305Ietf.NonceSize];
        NextNonce(nonce);
        return ChaCha20Poly1305Ietf.TryDecrypt(_key, nonce, associatedData, ciphertext, plaintext);
    }

    public void Dispose()
    {
        CryptographicOperations.ZeroMemory(_key);
        HasKey = false;
    }

    private void NextNonce(Span<byte> nonce)
    {
        nonce.Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(nonce[4..], _counter++);
    }
}
