using System.Buffers;
using HyperActors.Compact;

namespace HyperActors.Crypto;

/// <summary>The text of 32-byte keys, the same for all of them.</summary>
internal static class KeyText
{
    private const int HexLength = 64;
    private const int MaxQuoted = 72;

    public static string Print(ReadOnlySpan<byte> bytes) => ZBase32.Encode(bytes);

    public static bool TryParse(ReadOnlySpan<char> text, Span<byte> bytes) =>
        text.Length == HexLength
            ? Convert.FromHexString(text, bytes, out _, out int written) == OperationStatus.Done && written == bytes.Length
            : ZBase32.TryDecode(text, bytes);

    public static FormatException NotAKey(ReadOnlySpan<char> text)
    {
        string quoted = text.Length > MaxQuoted ? $"{text[..MaxQuoted]}…" : text.ToString();
        return new FormatException(
            $"'{quoted}' is not a key. A key is 52 characters of z-base-32 (a-z, 1, 3-9, without l, v, 2 and 0), or 64 hex digits.");
    }
}
