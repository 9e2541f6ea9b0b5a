using System.Globalization;
using System.Text;
using Comity.Declarations;

namespace Comity.Data.Tables;

/// <summary>Where a cell stands.</summary>
internal readonly record struct CellPlace(string File, int Row, int Line, int Field);

/// <summary>Gathers what is wrong with cells: one problem for each kind and column, with a count and the first few places.</summary>
internal sealed class CellProblems(bool showValues, bool lenient)
{
    private const int PlacesShown = 5;
    private const int ValueShown = 12;
    private readonly Dictionary<(string Code, string Column, string File), Finding> _findings = [];
    private readonly List<RowIssue> _issues = [];
    private readonly List<(string Code, string Column, CellPlace Place, string Offset, string Detail, bool Warning)> _contents = [];

    public IReadOnlyList<RowIssue> Issues => _issues;

    /// <summary>Notes a cell. Its value is kept, shortened, only if it may be shown at the owner's console.</summary>
    public void Add(string code, string column, in CellPlace place, ReadOnlySpan<byte> value, string expected)
    {
        if (lenient)
        {
            _issues.Add(new RowIssue(place.Row, place.Line, column, code));
            return;
        }
        var key = (code, column, place.File);
        if (!_findings.TryGetValue(key, out var finding)) _findings.Add(key, finding = new Finding(place, expected));
        finding.Count++;
        if (finding.Places.Count >= PlacesShown) return;
        var at = place.Line > 0 ? place.Line : place.Row + 1;
        finding.Places.Add(showValues ? $"{at.ToString(CultureInfo.InvariantCulture)} «{Shorten(value)}»" : at.ToString(CultureInfo.InvariantCulture));
    }

    /// <summary>Notes a file that can't be decoded: each has a problem of its own, with the byte at which it breaks.</summary>
    public void AddContent(string code, string column, in CellPlace place, string offset, string detail, bool warning)
    {
        if (lenient) _issues.Add(new RowIssue(place.Row, place.Line, column, code));
        else _contents.Add((code, column, place, offset, detail, warning));
    }

    public void Report(ProblemList problems)
    {
        foreach (var (code, column, place, offset, detail, warning) in _contents)
        {
            var at = Place.InFile(place.File, place.Line);
            problems.Add(warning ? Messages.Warning(code, at, column, offset, detail) : Messages.Problem(code, at, column, offset, detail));
        }
        foreach (var ((code, column, file), finding) in _findings)
        {
            var more = finding.Count > finding.Places.Count ? ", …" : "";
            problems.Add(Messages.Problem(code, Place.InFile(file, finding.First.Line, finding.First.Field),
                column, finding.Count, string.Join(", ", finding.Places) + more, finding.Expected));
        }
    }

    private static string Shorten(ReadOnlySpan<byte> value)
    {
        var text = Encoding.UTF8.GetString(value);
        return text.Length <= ValueShown ? text : text[..(ValueShown - 1)] + "…";
    }

    private sealed class Finding(CellPlace first, string expected)
    {
        public CellPlace First { get; } = first;

        public string Expected { get; } = expected;

        public int Count { get; set; }

        public List<string> Places { get; } = [];
    }
}
