using System.Text;

namespace HyperActors.Cli.Rendering;

/// <summary>Columns of plain text: the same in a pipe and in a file, and on a terminal with a head that stands out.</summary>
internal sealed class TextTable(params string[] headers)
{
    private readonly List<string[]> _rows = [headers];

    /// <summary>Columns whose text stands at the right, as figures do.</summary>
    public HashSet<int> RightAligned { get; init; } = [];

    /// <summary>Rows, the head not counted.</summary>
    public int Count => _rows.Count - 1;

    public void Add(params string[] cells)
    {
        Invariant.Hold(cells.Length == headers.Length);
        _rows.Add(cells);
    }

    /// <summary>The lines, uncut and without colours.</summary>
    public IEnumerable<string> Lines()
    {
        int[] widths = [.. headers.Select((_, column) => _rows.Max(row => row[column].Length))];
        foreach (string[] row in _rows)
        {
            var line = new StringBuilder();
            for (int column = 0; column < row.Length; column++)
            {
                string cell = row[column];
                line.Append(column == 0 ? string.Empty : "  ");
                line.Append(RightAligned.Contains(column) ? cell.PadLeft(widths[column]) : cell.PadRight(widths[column]));
            }

            yield return line.ToString().TrimEnd();
        }
    }

    /// <summary>The lines for a terminal of that width: what is longer ends in <c>…</c> instead of breaking the columns.</summary>
    public IEnumerable<string> Lines(Palette palette, int width) => Lines()
        .Select(line => Cut(line, width))
        .Select((line, index) => index == 0 ? palette.Bold(line) : line);

    public static string Cut(string line, int width) => line.Length > width && width > 0 ? line[..(width - 1)] + "…" : line;
}
