using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using HyperActors.Crypto;

namespace HyperActors.Dht;

/// <summary>An Ed25519 signature by value.</summary>
public readonly struct Signature : IEquatable<Signature>
{
    private readonly Hash _first;
    private readonly Hash _second;

    /// <summary>Copies exactly <see cref="Ed25519.SignatureSize"/> bytes.</summary>
    /// <exception cref="ArgumentException">The span has another length.</exception>
    public Signature(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length != Ed25519.SignatureSize)
        {
            throw new ArgumentException($"A signature has {Ed25519.SignatureSize} bytes, got {bytes.Length}.", nameof(bytes));
        }

        _first = new Hash(bytes[..Hash.Size]);
        _second = new Hash(bytes[Hash.Size..]);
    }

    public static bool operator ==(in Signature left, in Signature right) => left.Equals(right);

    public static bool operator !=(in Signature left, in Signature right) => !left.Equals(right);

    /// <summary>The bytes in place, as long as this value is.</summary>
    [UnscopedRef]
    public ReadOnlySpan<byte> AsSpan() =>
        MemoryMarshal.AsBytes(new ReadOnlySpan<Signature>(in this));

    public bool Equals(Signature other) => _first == other._first && _second == other._second;

    public override bool Equals(object? obj) => obj is Signature other && Equals(other);

    public override int GetHashCode() => _first.GetHashCode();

    /// <summary>128 hex digits, lower case.</summary>
    public override string ToString() => Convert.ToHexStringLower(AsSpan());
}
