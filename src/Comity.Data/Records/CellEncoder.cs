using System.Globalization;
using System.Text;
using Comity.Data.Cleaning;
using Comity.Data.Contracts;
using Comity.Data.Preprocess;

namespace Comity.Data.Records;

/// <summary>Writes one column of a record at its place in the model's input.</summary>
internal abstract class CellEncoder
{
    private readonly byte[][] _missing;

    protected CellEncoder(FittedColumn column, IEnumerable<string> missing, int at)
    {
        (Column, At) = (column, at);
        _missing = [.. missing.Distinct().Select(m => Encoding.UTF8.GetBytes(m))];
    }

    /// <summary>Values in the order of their codes; empty for numbers and dates.</summary>
    public virtual IReadOnlyList<string> Levels => [];

    protected FittedColumn Column { get; }

    protected int At { get; }

    public static CellEncoder Of(FeatureSection feature, FittedColumn column, IReadOnlyList<string> missing, OutOfRange outOfRange, int at)
    {
        string[] markers = [.. missing, .. feature.Missing];
        return feature.Kind switch
        {
            FeatureKind.Number => new NumberCell(feature, column, markers, outOfRange, at),
            FeatureKind.Date => new DateCell(feature, column, markers, at),
            FeatureKind.Image or FeatureKind.Audio => new ContentCell(feature, column, markers, at),
            FeatureKind.Text => new TextCell(column, markers, at),
            _ => new LevelCell(feature, column, markers, at),
        };
    }

    public abstract EncodedCell Number(double value, ReadOnlySpan<byte> text, Span<float> row);

    public abstract EncodedCell Text(ReadOnlySpan<byte> text, Span<float> row);

    /// <summary>Writes what stands for a missing value.</summary>
    public abstract void Fill(Span<float> row);

    protected EncodedCell Absent(CellFinding finding, Span<float> row)
    {
        Fill(row);
        return new EncodedCell(finding, double.NaN);
    }

    protected bool IsMissing(ReadOnlySpan<byte> text)
    {
        if (text.IsEmpty) return true;
        foreach (var marker in _missing)
            if (text.SequenceEqual(marker)) return true;
        return false;
    }
}

/// <summary>A number: bounds, winsorising and scale as in the table's encoder.</summary>
internal sealed class NumberCell(FeatureSection feature, FittedColumn column, string[] missing, OutOfRange outOfRange, int at) : CellEncoder(column, missing, at)
{
    // A marker such as 0 means the number, however it is written: 0, 0.0.
    private readonly double[] _missingNumbers =
        [.. missing.Select(m => double.TryParse(m, NumberStyles.Float, CultureInfo.InvariantCulture, out var x) ? x : double.NaN).Where(double.IsFinite).Distinct()];

    public override EncodedCell Number(double value, ReadOnlySpan<byte> text, Span<float> row)
    {
        if (!float.IsFinite((float)value)) return Absent(CellFinding.NotFinite, row);
        if (Array.IndexOf(_missingNumbers, value) >= 0) return Absent(CellFinding.Missing, row);
        if (feature.Range is not { } range || range.Contains(value)) return Write((float)value, CellFinding.Present, row);
        return outOfRange == OutOfRange.Clip
            ? Write((float)(value < range.Low ? range.Low.Value : range.High!.Value), CellFinding.OutOfRange, row)
            : Absent(CellFinding.OutOfRange, row);
    }

    public override EncodedCell Text(ReadOnlySpan<byte> text, Span<float> row)
    {
        if (IsMissing(text)) return Absent(CellFinding.Missing, row);
        return double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) ? Number(value, text, row) : Absent(CellFinding.NotNumber, row);
    }

    public override void Fill(Span<float> row)
    {
        Scale(Column.Fill, row);
        if (Column.Indicator) row[At + 1] = 1;
    }

    private EncodedCell Write(float value, CellFinding finding, Span<float> row)
    {
        Scale(value, row);
        if (Column.Indicator) row[At + 1] = 0;
        return new EncodedCell(finding, value);
    }

    private void Scale(double value, Span<float> row)
    {
        if (value < Column.Low) value = Column.Low.Value;
        if (value > Column.High) value = Column.High.Value;
        row[At] = (float)((value - Column.Center) / Column.Scale);
    }
}

/// <summary>A category, ordinal or boolean: its values' spellings are known beforehand.</summary>
internal sealed class LevelCell : CellEncoder
{
    private readonly bool _freeBoolean;
    private readonly byte[][] _spellings;
    private readonly int[] _spelt;
    private readonly Dictionary<string, int> _codes;
    private readonly HashSet<string> _missingLevels;
    private readonly int _first;
    private readonly int _indicator;

    public LevelCell(FeatureSection feature, FittedColumn column, string[] missing, int at) : base(column, missing, at)
    {
        _freeBoolean = feature.Kind == FeatureKind.Boolean && feature.Values.Count == 0;
        _codes = column.Levels.Select((level, code) => (level, code)).ToDictionary(l => l.level, l => l.code, StringComparer.Ordinal);
        if (_freeBoolean)
        {
            foreach (var no in new[] { "0", "no", "f", "n" }) _codes[no] = _codes.GetValueOrDefault("false", -1);
            foreach (var yes in new[] { "1", "yes", "t", "y" }) _codes[yes] = _codes.GetValueOrDefault("true", -1);
        }
        _missingLevels = [.. missing.Select(Level.Canonical)];
        (_spellings, _spelt) = ([.. _codes.Where(c => !_missingLevels.Contains(c.Key)).Select(c => Encoding.UTF8.GetBytes(c.Key))], [.. _codes.Where(c => !_missingLevels.Contains(c.Key)).Select(c => c.Value)]);
        _first = column.DropFirst ? 1 : 0;
        _indicator = at + (column.Kind == FeatureKind.Category ? column.Levels.Count - _first : 1);
    }

    public override IReadOnlyList<string> Levels => Column.Levels;

    public override EncodedCell Number(double value, ReadOnlySpan<byte> text, Span<float> row) => Text(text, row);

    public override EncodedCell Text(ReadOnlySpan<byte> text, Span<float> row)
    {
        for (var i = 0; i < _spellings.Length; i++)
        {
            if (text.SequenceEqual(_spellings[i])) return Write(_spelt[i], row);
        }
        if (IsMissing(text)) return Absent(CellFinding.Missing, row);
        var level = Level.Canonical(Encoding.UTF8.GetString(text));
        if (_missingLevels.Contains(level)) return Absent(CellFinding.Missing, row);
        if (_freeBoolean) level = level.ToLowerInvariant();
        return _codes.TryGetValue(level, out var code) ? Write(code, row) : Absent(CellFinding.UnknownValue, row);
    }

    public override void Fill(Span<float> row)
    {
        Set(Column.Fill, row);
        if (Column.Indicator) row[_indicator] = 1;
    }

    private EncodedCell Write(int code, Span<float> row)
    {
        if (code < 0) return Absent(CellFinding.UnknownValue, row);
        Set(code, row);
        if (Column.Indicator) row[_indicator] = 0;
        return new EncodedCell(CellFinding.Present, code);
    }

    private void Set(double value, Span<float> row)
    {
        if (Column.Kind != FeatureKind.Category) row[At] = (float)((value - Column.Center) / Column.Scale);
        else if (value >= _first && Column.Levels.Count > 0) row[At + (int)value - _first] = 1;
    }
}
