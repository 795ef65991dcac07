using System.Buffers.Binary;
using System.Security.Cryptography;
using HyperActors.Crypto;

namespace HyperActors.Wire;

/// <summary>Seals and opens the unordered messages of one connection (docs/secret-stream.md#unordered-messages).</summary>
/// <remarks><code>| counter: 8 | MAC: 16 | ciphertext |</code> Nothing keeps them in order, or from coming twice.</remarks>
public sealed class DatagramBox : IDisposable
{
    /// <summary>How many bytes an envelope is longer than its message.</summary>
    public const int Overhead = CounterSize + SecretBox.TagSize;

    private const int CounterSize = 8;

    private readonly byte[] _send = GC.AllocateArray<byte>(SecretBox.KeySize, pinned: true);
    private readonly byte[] _receive = GC.AllocateArray<byte>(SecretBox.KeySize, pinned: true);
    private readonly ulong _first;
    private ulong _counter;

    /// <summary>Derives the keys of both directions.</summary>
    /// <param name="isInitiator">Our role in the handshake.</param>
    /// <param name="handshakeHash">The 64-byte hash of the handshake.</param>
    /// <param name="random">Gives the counter's first value.</param>
    public DatagramBox(bool isInitiator, ReadOnlySpan<byte> handshakeHash, RandomSource random)
    {
        Capability.DatagramKey(isInitiator, handshakeHash, _send);
        Capability.DatagramKey(!isInitiator, handshakeHash, _receive);
        _first = _counter = random.NextUInt64();
    }

    /// <summary>Seals a message; false when all counters are used up.</summary>
    public bool TrySeal(ReadOnlySpan<byte> message, Span<byte> envelope)
    {
        Invariant.Hold(envelope.Length == message.Length + Overhead);
        if (_counter + 1 == _first)
        {
            return false;
        }

        BinaryPrimitives.WriteUInt64LittleEndian(envelope, ++_counter);
        Span<byte> nonce = stackalloc byte[SecretBox.NonceSize];
        ReadNonce(envelope, nonce);
        SecretBox.Seal(_send, nonce, message, envelope[CounterSize..]);
        return true;
    }

    /// <summary>Opens an envelope of the peer's into a buffer that is <see cref="Overhead"/> shorter; false when it is none.</summary>
    public bool TryOpen(ReadOnlySpan<byte> envelope, Span<byte> message)
    {
        if (envelope.Length < Overhead)
        {
            return false;
        }

        Span<byte> nonce = stackalloc byte[SecretBox.NonceSize];
        ReadNonce(envelope, nonce);
        return SecretBox.TryOpen(_receive, nonce, envelope[CounterSize..], message);
    }

    /// <summary>Wipes both keys.</summary>
    public void Dispose()
    {
        CryptographicOperations.ZeroMemory(_send);
        CryptographicOperations.ZeroMemory(_receive);
    }

    private static void ReadNonce(ReadOnlySpan<byte> envelope, Span<byte> nonce)
    {
        envelope[..CounterSize].CopyTo(nonce);
        nonce[CounterSize..].Clear();
    }
}
