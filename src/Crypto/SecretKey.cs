using System.Security.Cryptography;

namespace HyperActors.Crypto;

/// <summary>An Ed25519 secret key: 64 bytes, the seed and then the public key.</summary>
/// <remarks>Held in memory that does not move, wiped when disposed, printed as <c>***</c>.</remarks>
public sealed class SecretKey : IDisposable
{
    /// <summary>The size in bytes.</summary>
    public const int Size = 64;

    private readonly byte[] _bytes = GC.AllocateArray<byte>(Size, pinned: true);
    private bool _disposed;

    /// <summary>Copies 64 bytes, seed and public key.</summary>
    /// <exception cref="ArgumentException">The span has another length.</exception>
    public SecretKey(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length != Size)
        {
            throw new ArgumentException($"A secret key has {Size} bytes, got {bytes.Length}.", nameof(bytes));
        }

        bytes.CopyTo(_bytes);
    }

    /// <summary>The bytes, as long as the key is not disposed.</summary>
    public ReadOnlySpan<byte> AsSpan()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return _bytes;
    }

    /// <summary>Wipes the key.</summary>
    public void Dispose()
    {
        _disposed = true;
        CryptographicOperations.ZeroMemory(_bytes);
    }

    public override string ToString() => "***";
}
