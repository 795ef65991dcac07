using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace HyperActors.Cli.Parsing;

/// <summary>A number of bytes as people write it: <c>100</c>, <c>64KiB</c>, <c>1.5MiB</c>, <c>2MB</c>.</summary>
internal static class ByteSize
{
    private static readonly (string Suffix, long Factor)[] Units =
    [
        ("KiB", 1L << 10), ("MiB", 1L << 20), ("GiB", 1L << 30),
        ("KB", 1000), ("MB", 1_000_000), ("GB", 1_000_000_000),
        ("K", 1L << 10), ("M", 1L << 20), ("G", 1L << 30),
        ("B", 1), (string.Empty, 1),
    ];

    /// <summary>Reads a whole number of bytes; <paramref name="error"/> says how a size looks.</summary>
    public static bool TryParse(string text, out long bytes, [NotNullWhen(false)] out string? error)
    {
        bytes = 0;
        error = null;
        foreach ((string suffix, long factor) in Units)
        {
            if (!text.EndsWith(suffix, StringComparison.OrdinalIgnoreCase))
            {
                continue;
            }

            ReadOnlySpan<char> digits = text.AsSpan(0, text.Length - suffix.Length).TrimEnd();
            if (!decimal.TryParse(digits, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out decimal number)
                || number > long.MaxValue / factor
                || number * factor != decimal.Truncate(number * factor))
            {
                break;
            }

            bytes = (long)(number * factor);
            return true;
        }

        error = $"'{text}' is not a size. A size is a number of bytes, or one with a unit: 100, 64KiB, 1.5MiB, 2MB.";
        return false;
    }
}
