using System.Buffers.Binary;
using System.Security.Cryptography;
using HyperActors.Compact;
using HyperActors.Crypto;

namespace HyperActors.Dht;

/// <summary>Seals what two peers tell each other through relays, and makes the tokens that prove an address.</summary>
/// <remarks><code>| nonce: 24 | secret box: payload + 16 |</code></remarks>
public sealed class HolepunchCipher : IDisposable
{
    private readonly byte[] _secret = GC.AllocateArray<byte>(SecretBox.KeySize, pinned: true);
    private readonly byte[] _tokenSecret = GC.AllocateArray<byte>(Hash.Size, pinned: true);
    private readonly RandomSource _random;

    /// <summary>Copies the key that the handshake gave.</summary>
    public HolepunchCipher(ReadOnlySpan<byte> secret, RandomSource random)
    {
        secret.CopyTo(_secret);
        _random = random;
        random.Fill(_tokenSecret);
    }

    /// <summary>The sealed bytes.</summary>
    public byte[] Seal(HolepunchPayload payload)
    {
        byte[] plaintext = payload.ToBytes();
        byte[] output = new byte[SecretBox.NonceSize + plaintext.Length + SecretBox.TagSize];
        _random.Fill(output.AsSpan(0, SecretBox.NonceSize));
        SecretBox.Seal(_secret, output.AsSpan(0, SecretBox.NonceSize), plaintext, output.AsSpan(SecretBox.NonceSize));
        return output;
    }

    /// <summary>The payload; false for whatever was not sealed with our key.</summary>
    public bool TryOpen(ReadOnlySpan<byte> bytes, out HolepunchPayload payload)
    {
        payload = new HolepunchPayload();
        int size = bytes.Length - SecretBox.NonceSize - SecretBox.TagSize;
        if (size <= 0)
        {
            return false;
        }

        byte[] plaintext = new byte[size];
        if (!SecretBox.TryOpen(_secret, bytes[..SecretBox.NonceSize], bytes[SecretBox.NonceSize..], plaintext))
        {
            return false;
        }

        var reader = new CompactReader(plaintext);
        return HolepunchPayload.TryDecode(ref reader, out payload);
    }

    /// <summary>What proves that somebody receives at a host: it is sent there, and comes back.</summary>
    public Hash TokenFor(uint host)
    {
        Span<byte> token = stackalloc byte[Hash.Size];
        Span<byte> bytes = stackalloc byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, host);
        Blake2b.Keyed(_tokenSecret, bytes, token);
        return new Hash(token);
    }

    /// <summary>Wipes the keys.</summary>
    public void Dispose()
    {
        CryptographicOperations.ZeroMemory(_secret);
        CryptographicOperations.ZeroMemory(_tokenSecret);
    }
}
