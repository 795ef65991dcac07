using System.Diagnostics.CodeAnalysis;

namespace HyperActors.Crypto;

/// <summary>A BLAKE2b-256 digest.</summary>
public readonly struct Hash : IEquatable<Hash>
{
    /// <summary>The size in bytes.</summary>
    public const int Size = Bytes32.Size;

    private readonly Bytes32 _bytes;

    /// <summary>Copies exactly <see cref="Size"/> bytes.</summary>
    /// <exception cref="ArgumentException">The span has another length.</exception>
    public Hash(ReadOnlySpan<byte> bytes) => _bytes = new Bytes32(bytes);

    /// <summary>True for 32 zero bytes, the default value.</summary>
    public bool IsZero => _bytes.IsZero;

    public static bool operator ==(Hash left, Hash right) => left.Equals(right);

    public static bool operator !=(Hash left, Hash right) => !left.Equals(right);

    /// <summary>The bytes in place, as long as this value is.</summary>
    [UnscopedRef]
    public ReadOnlySpan<byte> AsSpan() => _bytes.AsSpan();

    /// <summary>Copies the bytes to the front of <paramref name="destination"/>.</summary>
    public void CopyTo(Span<byte> destination) => AsSpan().CopyTo(destination);

    /// <summary>An array of its own with the bytes.</summary>
    public byte[] ToArray() => AsSpan().ToArray();

    public bool Equals(Hash other) => _bytes.Equals(other._bytes);

    public override bool Equals(object? obj) => obj is Hash other && Equals(other);

    public override int GetHashCode() => _bytes.GetHashCode();

    /// <summary>64 hex digits, lower case.</summary>
    public override string ToString() => Convert.ToHexStringLower(AsSpan());
}
