using System.Globalization;
using System.Text;
using Comity.Data.Contracts;
using Comity.Data.Tables;

namespace Comity.Data.Series;

/// <summary>Reads the column that steps are in the order of, as numbers whose differences mean something: the numbers themselves, or ticks.</summary>
internal sealed class SeriesOrder(string name, string? format, IEnumerable<string> missing, CellProblems problems) : ColumnReader(name, missing, problems)
{
    private readonly List<double> _keys = [];

    /// <summary>The keys by row; NaN: missing or unreadable.</summary>
    public IReadOnlyList<double> Keys => _keys;

    public override bool Add(ReadOnlySpan<byte> cell, in CellPlace place)
    {
        var key = double.NaN;
        if (format is null && double.TryParse(cell, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number)) key = number;
        else if (!IsMissing(cell) && TryDate(Encoding.UTF8.GetString(cell), out var date)) key = date.Ticks;
        else Problems.Add("cell-not-ordered", Name, place, cell, "");
        _keys.Add(key);
        return true;
    }

    public override TableColumn Build() => new NumberColumn(Name, [.. _keys.Select(k => (float)k)]);

    /// <summary>A number, or a duration in ticks.</summary>
    public static double? Duration(string? text) => text is null ? null
        : double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? number
        : TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out var span) ? span.Ticks : null;

    private bool TryDate(string text, out DateTime date) => format is null
        ? DateTime.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.None, out date)
        : DateTime.TryParseExact(text, format, CultureInfo.InvariantCulture, DateTimeStyles.None, out date);
}
