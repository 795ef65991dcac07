using System.Globalization;
using HyperActors.Abstractions;

namespace HyperActors.Cli.Rendering;

/// <summary>Figures as people read them.</summary>
internal static class Words
{
    private static readonly string[] Units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

    /// <summary>Three digits and a unit: <c>64 KiB</c>, <c>1.5 MiB</c>.</summary>
    public static string Bytes(ulong count)
    {
        double number = count;
        int unit = 0;
        while (number >= 1024 && unit < Units.Length - 1)
        {
            number /= 1024;
            unit++;
        }

        string format = unit == 0 || number >= 100 ? "0" : "0.#";
        return $"{number.ToString(format, CultureInfo.InvariantCulture)} {Units[unit]}";
    }

    public static string Count(ulong count, string word) =>
        string.Create(CultureInfo.InvariantCulture, $"{count} {word}{(count == 1 ? string.Empty : "s")}");

    /// <summary>A network translator in a word, as <c>--json</c> has it too.</summary>
    public static string Nat(NatKind kind) => kind switch
    {
        NatKind.Open => "open",
        NatKind.Consistent => "consistent",
        NatKind.Random => "random",
        _ => "unknown",
    };

    public static string Seconds(TimeSpan time) =>
        string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:0.00} s");
}
