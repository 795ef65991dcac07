using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace HyperActors.Cli.Parsing;

/// <summary>Blocks from <paramref name="From"/> up to, but not including, <paramref name="To"/>; null: the end of the feed.</summary>
internal readonly record struct BlockRange(ulong From, ulong? To)
{
    /// <summary>Reads <c>A..B</c>, <c>A..</c>, <c>..B</c> or <c>..</c>.</summary>
    public static bool TryParse(string text, out BlockRange range, [NotNullWhen(false)] out string? error)
    {
        range = default;
        error = null;
        int dots = text.IndexOf("..", StringComparison.Ordinal);
        ulong from = 0;
        ulong to = 0;
        if (dots < 0
            || (dots > 0 && !TryParseIndex(text.AsSpan(0, dots), out from))
            || (dots + 2 < text.Length && !TryParseIndex(text.AsSpan(dots + 2), out to)))
        {
            error = $"'{text}' is not a range. A range is A..B with the first block and the one after the last, counted from 0; either may be left out: 0..100, 100.., ..50.";
            return false;
        }

        range = new BlockRange(from, dots + 2 < text.Length ? to : null);
        if (range.To < from)
        {
            error = $"the range '{text}' ends before it begins.";
            return false;
        }

        return true;
    }

    public override string ToString() => $"{From}..{To}";

    private static bool TryParseIndex(ReadOnlySpan<char> text, out ulong index) =>
        ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out index);
}
