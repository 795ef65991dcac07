using System.Globalization;

namespace HyperActors.Benchmarks.Harness;

/// <summary>The results as a table in Markdown, which also reads well on a terminal.</summary>
public static class Table
{
    private static readonly string[] Head = ["work", "unit", "JavaScript", "HyperActors", "ratio"];

    /// <summary>A line of heads, a line of dashes, a line a result; columns of one width.</summary>
    public static string Print(IReadOnlyList<Result> results)
    {
        string[][] rows = [Head, .. results.Select(Cells)];
        int[] widths = [.. Enumerable.Range(0, Head.Length).Select(c => rows.Max(r => r[c].Length))];
        IEnumerable<string> lines = rows.Select(row => Line(row, widths));
        string dashes = "|" + string.Join('|', widths.Select((w, c) => c < 2 ? new string('-', w + 2) : new string('-', w + 1) + ":")) + "|";
        return string.Join('\n', [lines.First(), dashes, .. lines.Skip(1)]);
    }

    private static string Line(string[] row, int[] widths) =>
        "| " + string.Join(" | ", row.Select((cell, c) => c < 2 ? cell.PadRight(widths[c]) : cell.PadLeft(widths[c]))) + " |";

    private static string[] Cells(Result result) =>
    [
        result.Work,
        result.Unit switch
        {
            Unit.BlocksPerSecond => "1/s",
            Unit.MegabytesPerSecond => "MB/s",
            Unit.CpuPerGigabyte => "s/GB",
            Unit.Share => "%",
            _ => "B",
        },
        result.Theirs is null ? "" : Number(result.Figure(result.Theirs)),
        Number(result.Figure(result.Ours)),
        result.Ratio is { } ratio ? ratio.ToString("0.0", CultureInfo.InvariantCulture) + "x" : "",
    ];

    private static string Number(double value) => value.ToString(value < 100 ? "0.0" : "#,0", CultureInfo.InvariantCulture);
}
