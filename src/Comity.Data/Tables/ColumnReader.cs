using System.Globalization;
using System.Text;
using Comity.Data.Audio;
using Comity.Data.Cleaning;
using Comity.Data.Contracts;
using Comity.Data.Images;

namespace Comity.Data.Tables;

/// <summary>Takes a column's cells one by one into a typed array.</summary>
internal abstract class ColumnReader(string name, IEnumerable<string> missing, CellProblems problems)
{
    private readonly byte[][] _missing = [.. missing.Distinct().Select(m => Encoding.UTF8.GetBytes(m))];

    public string Name { get; } = name;

    protected CellProblems Problems { get; } = problems;

    /// <summary>Takes a cell; false: its row is left out.</summary>
    public abstract bool Add(ReadOnlySpan<byte> cell, in CellPlace place);

    public abstract TableColumn Build();

    protected bool IsMissing(ReadOnlySpan<byte> cell)
    {
        if (cell.IsEmpty) return true;
        foreach (var marker in _missing)
            if (cell.SequenceEqual(marker)) return true;
        return false;
    }

    /// <summary>The feature's reader.</summary>
    public static ColumnReader Of(FeatureSection feature, IReadOnlyList<string> missing, CleanSection clean, CellProblems problems)
    {
        IEnumerable<string> markers = [.. missing, .. feature.Missing];
        return feature.Kind switch
        {
            FeatureKind.Number => new NumberReader(feature.Column, markers, feature.Range, clean.OutOfRangeFor(feature.Column), problems),
            FeatureKind.Date => new DateReader(feature.Column, markers, feature.Format, problems),
            FeatureKind.Image => new ImageReader(feature, clean, problems),
            FeatureKind.Audio => new SoundReader(feature, clean, problems),
            FeatureKind.Text => new TextReader(feature.Column, markers, problems),
            _ => new LevelReader(feature.Column, feature.Kind, feature.Values, markers, problems),
        };
    }
}

/// <summary>Reads numbers; the invariant culture's form (63, 63.0, .7, −1.5e3).</summary>
internal sealed class NumberReader(string name, IEnumerable<string> missing, ValueRange? range, OutOfRange outOfRange, CellProblems problems)
    : ColumnReader(name, missing, problems)
{
    private readonly List<float> _values = [];

    // A marker such as 0 means the number, however it is written: 0, 0.0.
    private readonly double[] _missingNumbers =
        [.. missing.Select(m => double.TryParse(m, NumberStyles.Float, CultureInfo.InvariantCulture, out var x) ? x : double.NaN).Where(double.IsFinite).Distinct()];

    public override bool Add(ReadOnlySpan<byte> cell, in CellPlace place)
    {
        var (value, keep) = Read(cell, place);
        _values.Add(value);
        return keep;
    }

    public override TableColumn Build() => new NumberColumn(Name, [.. _values]);

    private (float Value, bool Keep) Read(ReadOnlySpan<byte> cell, in CellPlace place)
    {
        if (IsMissing(cell)) return (float.NaN, true);
        if (!double.TryParse(cell, NumberStyles.Float, CultureInfo.InvariantCulture, out var value))
        {
            Problems.Add("cell-not-number", Name, place, cell, "");
            return (float.NaN, true);
        }
        if (!float.IsFinite((float)value))
        {
            Problems.Add("cell-not-finite", Name, place, cell, "");
            return (float.NaN, true);
        }
        if (Array.IndexOf(_missingNumbers, value) >= 0) return (float.NaN, true);
        if (range is null || range.Contains(value)) return ((float)value, true);
        switch (outOfRange)
        {
            case OutOfRange.Missing: return (float.NaN, true);
            case OutOfRange.DropRow: return (float.NaN, false);
            case OutOfRange.Clip: return ((float)(value < range.Low ? range.Low.Value : range.High!.Value), true);
            default:
                Problems.Add("cell-out-of-range", Name, place, cell, range.ToString());
                return (float.NaN, true);
        }
    }
}

/// <summary>Reads categories, ordinals and booleans; what a text means is worked out once for each distinct text.</summary>
internal sealed class LevelReader : ColumnReader
{
    private const int Missing = -1;
    private const int Unknown = -2;
    private readonly FeatureKind _kind;
    private readonly List<int> _codes = [];
    private readonly List<string> _levels;
    private readonly Dictionary<string, int> _meaning = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> _codeOfLevel;
    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> _lookup;
    private readonly HashSet<string> _missingLevels;
    private readonly bool _open;

    public LevelReader(string name, FeatureKind kind, IReadOnlyList<string> values, IEnumerable<string> missing, CellProblems problems) : base(name, missing, problems)
    {
        _kind = kind;
        _levels = kind == FeatureKind.Boolean && values.Count == 0 ? ["false", "true"] : [.. values.Select(Level.Canonical)];
        _open = _levels.Count == 0;
        _codeOfLevel = _levels.Select((level, code) => (level, code)).ToDictionary(l => l.level, l => l.code, StringComparer.Ordinal);
        _lookup = _meaning.GetAlternateLookup<ReadOnlySpan<char>>();
        _missingLevels = [.. missing.Select(Level.Canonical)];
        if (kind != FeatureKind.Boolean || values.Count > 0) return;
        foreach (var no in new[] { "0", "no", "f", "n" }) _codeOfLevel[no] = 0;
        foreach (var yes in new[] { "1", "yes", "t", "y" }) _codeOfLevel[yes] = 1;
    }

    public override bool Add(ReadOnlySpan<byte> cell, in CellPlace place)
    {
        Span<char> chars = cell.Length <= 256 ? stackalloc char[256] : new char[cell.Length];
        var text = chars[..Encoding.UTF8.GetChars(cell, chars)];
        if (!_lookup.TryGetValue(text, out var code)) _meaning.Add(text.ToString(), code = MeaningOf(cell, text.ToString()));
        if (code == Unknown) Problems.Add("cell-unknown-value", Name, place, cell, string.Join(", ", _levels));
        _codes.Add(code == Unknown ? Missing : code);
        return true;
    }

    public override TableColumn Build() => new LevelColumn(Name, _kind, [.. _codes], _levels);

    private int MeaningOf(ReadOnlySpan<byte> cell, string text)
    {
        var level = Level.Canonical(text);
        if (IsMissing(cell) || _missingLevels.Contains(level)) return Missing;
        if (_kind == FeatureKind.Boolean && _levels[1] == "true") level = level.ToLowerInvariant();
        if (_codeOfLevel.TryGetValue(level, out var code)) return code;
        if (!_open) return Unknown;
        _codeOfLevel.Add(level, _levels.Count);
        _levels.Add(level);
        return _levels.Count - 1;
    }
}

/// <summary>Reads dates: ISO 8601 with or without a time, or the declared form. A time zone is put aside: local time is what cycles.</summary>
internal sealed class DateReader(string name, IEnumerable<string> missing, string? format, CellProblems problems) : ColumnReader(name, missing, problems)
{
    private readonly DateForms _forms = new(format);
    private readonly List<long> _ticks = [];

    public override bool Add(ReadOnlySpan<byte> cell, in CellPlace place)
    {
        var ticks = DateColumn.MissingTicks;
        if (!IsMissing(cell))
        {
            if (_forms.TryRead(Encoding.UTF8.GetString(cell), out var date)) ticks = date.Ticks;
            else Problems.Add("cell-not-date", Name, place, cell, format ?? "yyyy-MM-dd HH:mm:ss");
        }
        _ticks.Add(ticks);
        return true;
    }

    public override TableColumn Build() => new DateColumn(Name, [.. _ticks]);
}

/// <summary>Reads free text.</summary>
internal sealed class TextReader(string name, IEnumerable<string> missing, CellProblems problems) : ColumnReader(name, missing, problems)
{
    private readonly List<string?> _values = [];

    public override bool Add(ReadOnlySpan<byte> cell, in CellPlace place)
    {
        _values.Add(IsMissing(cell) ? null : Encoding.UTF8.GetString(cell));
        return true;
    }

    public override TableColumn Build() => new TextColumn(Name, [.. _values]);
}

/// <summary>Reads what rows are sorted by, a number or a date, as an ordered key.</summary>
internal sealed class OrderReader(string name, IEnumerable<string> missing, CellProblems problems) : ColumnReader(name, missing, problems)
{
    private readonly List<long> _keys = [];

    public override bool Add(ReadOnlySpan<byte> cell, in CellPlace place)
    {
        var key = DateColumn.MissingTicks;
        if (IsMissing(cell)) key = DateColumn.MissingTicks;
        else if (double.TryParse(cell, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number)) key = Ordered(number);
        else if (DateTime.TryParse(Encoding.UTF8.GetString(cell), CultureInfo.InvariantCulture, DateTimeStyles.None, out var date)) key = date.Ticks;
        else Problems.Add("cell-not-ordered", Name, place, cell, "");
        _keys.Add(key);
        return true;
    }

    public override TableColumn Build() => new DateColumn(Name, [.. _keys]);

    // The bits of a double sort like the number once those of the negative ones are turned over.
    private static long Ordered(double number)
    {
        var bits = BitConverter.DoubleToInt64Bits(number);
        return bits >= 0 ? bits : bits ^ long.MaxValue;
    }
}
