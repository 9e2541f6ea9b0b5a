using System.Text;
using Comity.Declarations;

namespace Comity.Data.Sources;

/// <summary>A condition on a column, bound to the column's position.</summary>
internal sealed class RowFilter(int position, RowsSection rows)
{
    private readonly byte[][] _values = [.. rows.Values.Concat(rows.Except).Select(v => Encoding.UTF8.GetBytes(v))];
    private readonly bool _wanted = rows.Values.Count > 0;

    /// <summary>Position of the column.</summary>
    public int Field => position;

    /// <summary>Whether a cell satisfies the condition.</summary>
    public bool Matches(ReadOnlySpan<byte> cell)
    {
        foreach (var value in _values)
            if (cell.SequenceEqual(value)) return _wanted;
        return !_wanted;
    }

    /// <summary>Binds the conditions; null when a column is not there.</summary>
    public static IReadOnlyList<RowFilter>? Bind(IReadOnlyList<RowsSection> rows, IReadOnlyList<string> header, string file, ProblemList problems)
    {
        var filters = new List<RowFilter>();
        foreach (var condition in rows)
        {
            var field = header.ToList().IndexOf(condition.Column);
            if (field >= 0) filters.Add(new RowFilter(field, condition));
            else problems.Add(Messages.Problem("column-unknown", Place.InFile(file), condition.Column, string.Join(", ", header), Spelling.Nearest(condition.Column, header) ?? "–"));
        }
        return filters.Count == rows.Count ? filters : null;
    }
}
