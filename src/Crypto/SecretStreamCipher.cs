using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using HyperActors.Crypto.Interop;

namespace HyperActors.Crypto;

/// <summary>Sizes of the secretstream (docs/secret-stream.md#data-frames).</summary>
public static class SecretStream
{
    /// <summary>The size of a key in bytes.</summary>
    public const int KeySize = 32;

    /// <summary>The size of the header that starts a direction, in bytes.</summary>
    public const int HeaderSize = 24;

    /// <summary>How many bytes a ciphertext is longer than its plaintext: a tag byte in front, a MAC of 16 behind.</summary>
    public const int Overhead = 17;

    /// <summary>How far the ciphertext's first byte lies before the plaintext's.</summary>
    public const int PlaintextOffset = 1;
}

/// <summary>The sending direction of an XChaCha20-Poly1305 secretstream.</summary>
/// <remarks>
/// Works in place when the plaintext starts <see cref="SecretStream.PlaintextOffset"/> byte behind the ciphertext.
/// The header is chance, so the caller brings it and sends it ahead.
/// </remarks>
public sealed unsafe class SecretStreamPush : IDisposable
{
    private SecretStreamState _state;

    /// <summary>Starts with a key of 32 and a header of 24 random bytes.</summary>
    public SecretStreamPush(ReadOnlySpan<byte> key, ReadOnlySpan<byte> header) =>
        SecretStreamInit.Start(ref _state, key, header);

    /// <summary>Encrypts one message; <paramref name="output"/> is <see cref="SecretStream.Overhead"/> bytes longer.</summary>
    public void Push(ReadOnlySpan<byte> plaintext, Span<byte> output)
    {
        Invariant.Hold(output.Length == plaintext.Length + SecretStream.Overhead);
        fixed (byte* p = plaintext, o = output)
        fixed (SecretStreamState* s = &_state)
        {
            Invariant.Hold(Libsodium.SecretStreamPush(s, o, null, p, (ulong)plaintext.Length, null, 0, 0) == 0);
        }
    }

    /// <summary>Wipes the key.</summary>
    public void Dispose() => SecretStreamInit.Wipe(ref _state);
}

/// <summary>The receiving direction of an XChaCha20-Poly1305 secretstream.</summary>
/// <remarks>Works in place when the plaintext starts <see cref="SecretStream.PlaintextOffset"/> byte behind the ciphertext.</remarks>
public sealed unsafe class SecretStreamPull : IDisposable
{
    private SecretStreamState _state;

    /// <summary>Starts with a key of 32 bytes and the header of 24 that the other side sent.</summary>
    public SecretStreamPull(ReadOnlySpan<byte> key, ReadOnlySpan<byte> header) =>
        SecretStreamInit.Start(ref _state, key, header);

    /// <summary>Decrypts one message; false when it is forged, out of order or too short, whatever its tag.</summary>
    public bool TryPull(ReadOnlySpan<byte> ciphertext, Span<byte> output)
    {
        if (ciphertext.Length < SecretStream.Overhead)
        {
            return false;
        }

        Invariant.Hold(output.Length == ciphertext.Length - SecretStream.Overhead);
        fixed (byte* c = ciphertext, o = output)
        fixed (SecretStreamState* s = &_state)
        {
            byte tag;
            return Libsodium.SecretStreamPull(s, o, null, &tag, c, (ulong)ciphertext.Length, null, 0) == 0;
        }
    }

    /// <summary>Wipes the key.</summary>
    public void Dispose() => SecretStreamInit.Wipe(ref _state);
}

internal static unsafe class SecretStreamInit
{
    // init_pull derives the same state for both directions; init_push would draw a header of its own.
    public static void Start(ref SecretStreamState state, ReadOnlySpan<byte> key, ReadOnlySpan<byte> header)
    {
        Invariant.Hold(key.Length == SecretStream.KeySize && header.Length == SecretStream.HeaderSize);
        fixed (byte* k = key, h = header)
        fixed (SecretStreamState* s = &state)
        {
            Invariant.Hold(Libsodium.SecretStreamInitPull(s, h, k) == 0);
        }
    }

    public static void Wipe(ref SecretStreamState state) =>
        CryptographicOperations.ZeroMemory(new Span<byte>(Unsafe.AsPointer(ref state), sizeof(SecretStreamState)));
}
