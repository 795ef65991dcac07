using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace HyperActors.Cli.Parsing;

/// <summary>A span of time as people write it: <c>30</c> and <c>30s</c>, <c>500ms</c>, <c>5m</c>, <c>1.5h</c>.</summary>
internal static class Duration
{
    private static readonly TimeSpan Max = TimeSpan.FromDays(24);

    private static readonly (string Suffix, TimeSpan Unit)[] Units =
    [
        ("ms", TimeSpan.FromMilliseconds(1)), ("s", TimeSpan.FromSeconds(1)), ("m", TimeSpan.FromMinutes(1)),
        ("h", TimeSpan.FromHours(1)), (string.Empty, TimeSpan.FromSeconds(1)),
    ];

    public static bool TryParse(string text, out TimeSpan duration, [NotNullWhen(false)] out string? error)
    {
        duration = default;
        error = null;
        foreach ((string suffix, TimeSpan unit) in Units)
        {
            if (!text.EndsWith(suffix, StringComparison.Ordinal))
            {
                continue;
            }

            if (double.TryParse(
                    text.AsSpan(0, text.Length - suffix.Length), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double number)
                && number > 0
                && number <= Max / unit)
            {
                duration = number * unit;
                return true;
            }

            break;
        }

        error = $"'{text}' is not a time. A time is a number of seconds, or one with a unit, up to {Max.TotalDays:0} days: 30, 30s, 500ms, 5m, 2h.";
        return false;
    }
}
