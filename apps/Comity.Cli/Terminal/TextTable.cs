using System.Text;

namespace Comity.Cli.Terminal;

/// <summary>Aligned columns of plain text; knows that a Chinese character takes two cells.</summary>
internal sealed class TextTable(params IReadOnlyList<string> header)
{
    private readonly List<IReadOnlyList<string>> _rows = [header];

    public void Add(params IReadOnlyList<string> cells) => _rows.Add(cells);

    /// <summary>First column to the left, the others to the right, two spaces between.</summary>
    public IEnumerable<string> Lines()
    {
        var columns = _rows.Max(r => r.Count);
        var widths = Enumerable.Range(0, columns).Select(c => _rows.Max(r => c < r.Count ? Width(r[c]) : 0)).ToArray();
        foreach (var row in _rows)
        {
            var line = new StringBuilder();
            for (var c = 0; c < row.Count; c++)
            {
                var padding = new string(' ', widths[c] - Width(row[c]));
                line.Append(c == 0 ? row[c] + padding : "  " + padding + row[c]);
            }
            yield return line.ToString().TrimEnd();
        }
    }

    /// <summary>Terminal cells of a text (East Asian wide characters take two; Unicode Standard Annex 11).</summary>
    public static int Width(string text) => text.EnumerateRunes().Sum(r => IsWide(r.Value) ? 2 : 1);

    private static bool IsWide(int c) =>
        c is (>= 0x1100 and <= 0x115F) or (>= 0x2E80 and <= 0xA4CF) or (>= 0xAC00 and <= 0xD7A3) or (>= 0xF900 and <= 0xFAFF)
            or (>= 0xFE30 and <= 0xFE4F) or (>= 0xFF00 and <= 0xFF60) or (>= 0xFFE0 and <= 0xFFE6) or (>= 0x20000 and <= 0x3FFFD);
}
