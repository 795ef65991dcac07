using System.Text;

namespace HyperActors.Cli.Rendering;

/// <summary>Columns of plain text: the same on a terminal, in a pipe and in a file.</summary>
internal sealed class TextTable(params string[] headers)
{
    private readonly List<string[]> _rows = [headers];

    /// <summary>Columns whose text stands at the right, as figures do.</summary>
    public HashSet<int> RightAligned { get; init; } = [];

    public void Add(params string[] cells)
    {
        Invariant.Hold(cells.Length == headers.Length);
        _rows.Add(cells);
    }

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
}
