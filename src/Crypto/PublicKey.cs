using System.Diagnostics.CodeAnalysis;

namespace HyperActors.Crypto;

/// <summary>An Ed25519 public key: who signs, or who is at the other end of a connection.</summary>
/// <remarks>Prints as z-base-32 (52 characters); parses as z-base-32 or as 64 hex digits.</remarks>
public readonly struct PublicKey : IEquatable<PublicKey>, ISpanParsable<PublicKey>
{
    /// <summary>The size in bytes.</summary>
    public const int Size = Bytes32.Size;

    private readonly Bytes32 _bytes;

    /// <summary>Copies exactly <see cref="Size"/> bytes.</summary>
    /// <exception cref="ArgumentException">The span has another length.</exception>
    public PublicKey(ReadOnlySpan<byte> bytes) => _bytes = new Bytes32(bytes);

    /// <summary>True for 32 zero bytes, the default value.</summary>
    public bool IsZero => _bytes.IsZero;

    public static bool operator ==(PublicKey left, PublicKey right) => left.Equals(right);

    public static bool operator !=(PublicKey left, PublicKey right) => !left.Equals(right);

    /// <summary>Reads z-base-32 or hex.</summary>
    /// <exception cref="FormatException">The text is neither; the message says how a key looks.</exception>
    public static PublicKey Parse(string s, IFormatProvider? provider = null) => Parse(s.AsSpan(), provider);

    /// <inheritdoc cref="Parse(string, IFormatProvider?)"/>
    public static PublicKey Parse(ReadOnlySpan<char> s, IFormatProvider? provider = null) =>
        TryParse(s, provider, out PublicKey result) ? result : throw KeyText.NotAKey(s);

    /// <summary>Reads z-base-32 or hex; false when the text is neither.</summary>
    public static bool TryParse([NotNullWhen(true)] string? s, out PublicKey result) => TryParse(s.AsSpan(), null, out result);

    /// <inheritdoc cref="TryParse(string?, out PublicKey)"/>
    public static bool TryParse([NotNullWhen(true)] string? s, IFormatProvider? provider, out PublicKey result) =>
        TryParse(s.AsSpan(), provider, out result);

    /// <inheritdoc cref="TryParse(string?, out PublicKey)"/>
    public static bool TryParse(ReadOnlySpan<char> s, IFormatProvider? provider, out PublicKey result)
    {
        Span<byte> bytes = stackalloc byte[Size];
        bool parsed = KeyText.TryParse(s, bytes);
        result = parsed ? new PublicKey(bytes) : default;
        return parsed;
    }

    /// <summary>The bytes in place, as long as this value is.</summary>
    [UnscopedRef]
    public ReadOnlySpan<byte> AsSpan() => _bytes.AsSpan();

    /// <summary>Copies the bytes to the front of <paramref name="destination"/>.</summary>
    public void CopyTo(Span<byte> destination) => AsSpan().CopyTo(destination);

    /// <summary>An array of its own with the bytes.</summary>
    public byte[] ToArray() => AsSpan().ToArray();

    /// <summary>64 hex digits, lower case.</summary>
    public string ToHex() => Convert.ToHexStringLower(AsSpan());

    public bool Equals(PublicKey other) => _bytes.Equals(other._bytes);

    public override bool Equals(object? obj) => obj is PublicKey other && Equals(other);

    public override int GetHashCode() => _bytes.GetHashCode();

    /// <summary>52 characters of z-base-32.</summary>
    public override string ToString() => KeyText.Print(AsSpan());
}
