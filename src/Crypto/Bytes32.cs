using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace HyperActors.Crypto;

/// <summary>Thirty-two bytes by value: what keys and hashes are made of.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly struct Bytes32 : IEquatable<Bytes32>
{
    public const int Size = 32;

    private readonly ulong _a;
    private readonly ulong _b;
    private readonly ulong _c;
    private readonly ulong _d;

    public Bytes32(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length != Size)
        {
            throw new ArgumentException($"Expected {Size} bytes, got {bytes.Length}.", nameof(bytes));
        }

        this = MemoryMarshal.Read<Bytes32>(bytes);
    }

    public bool IsZero => (_a | _b | _c | _d) == 0;

    [UnscopedRef]
    public ReadOnlySpan<byte> AsSpan() =>
        MemoryMarshal.AsBytes(MemoryMarshal.CreateReadOnlySpan(in _a, 4));

    public bool Equals(Bytes32 other) => _a == other._a && _b == other._b && _c == other._c && _d == other._d;

    public override bool Equals(object? obj) => obj is Bytes32 other && Equals(other);

    /// <summary>Keys and hashes are evenly spread, but peers choose keys: all of the bytes count.</summary>
    public override int GetHashCode() => HashCode.Combine(_a, _b, _c, _d);
}
