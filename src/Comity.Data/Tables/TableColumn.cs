using Comity.Data.Contracts;

namespace Comity.Data.Tables;

/// <summary>One column of a <see cref="RecordTable"/> as a typed array.</summary>
public abstract class TableColumn
{
    private protected TableColumn(string name, FeatureKind kind) => (Name, Kind) = (name, kind);

    /// <summary>Name in the contract.</summary>
    public string Name { get; }

    /// <summary>What it holds.</summary>
    public FeatureKind Kind { get; }

    /// <summary>Whether a row's value is not known.</summary>
    public abstract bool IsMissing(int row);

    internal abstract TableColumn Take(ReadOnlySpan<int> rows);

    internal abstract long Key(int row);

    /// <summary>The column with missing values replaced by the last known one, for so many rows after it.</summary>
    internal TableColumn CarryForward(int most)
    {
        var (source, known) = (new int[RowCount], -1);
        for (var row = 0; row < source.Length; row++)
        {
            if (!IsMissing(row)) known = row;
            source[row] = known >= 0 && row - known <= most ? known : row;
        }
        return Take(source);
    }

    private protected abstract int RowCount { get; }
}

/// <summary>Numbers; NaN: missing.</summary>
public sealed class NumberColumn : TableColumn
{
    private readonly float[] _values;

    internal NumberColumn(string name, float[] values) : base(name, FeatureKind.Number) => _values = values;

    /// <summary>Values by row, shape [rows].</summary>
    public ReadOnlySpan<float> Values => _values;

    /// <inheritdoc/>
    public override bool IsMissing(int row) => float.IsNaN(_values[row]);

    internal float[] Writable => _values;

    private protected override int RowCount => _values.Length;

    internal override TableColumn Take(ReadOnlySpan<int> rows)
    {
        var taken = new float[rows.Length];
        for (var i = 0; i < rows.Length; i++) taken[i] = _values[rows[i]];
        return new NumberColumn(Name, taken);
    }

    internal override long Key(int row) => BitConverter.SingleToInt32Bits(_values[row]);
}

/// <summary>Categories, ordinals or booleans as codes into <see cref="Levels"/>; −1: missing.</summary>
public sealed class LevelColumn : TableColumn
{
    private readonly int[] _codes;

    internal LevelColumn(string name, FeatureKind kind, int[] codes, IReadOnlyList<string> levels) : base(name, kind) => (_codes, Levels) = (codes, levels);

    /// <summary>Codes by row, shape [rows].</summary>
    public ReadOnlySpan<int> Codes => _codes;

    /// <summary>The values that the codes stand for: the contract's, or those met at this site in the order of the rows.</summary>
    public IReadOnlyList<string> Levels { get; }

    /// <inheritdoc/>
    public override bool IsMissing(int row) => _codes[row] < 0;

    internal override TableColumn Take(ReadOnlySpan<int> rows)
    {
        var taken = new int[rows.Length];
        for (var i = 0; i < rows.Length; i++) taken[i] = _codes[rows[i]];
        return new LevelColumn(Name, Kind, taken, Levels);
    }

    internal override long Key(int row) => _codes[row];

    private protected override int RowCount => _codes.Length;
}

/// <summary>Points in time as ticks (100 ns since 0001-01-01), or any ordered quantity that rows are sorted by.</summary>
public sealed class DateColumn : TableColumn
{
    private readonly long[] _ticks;

    internal DateColumn(string name, long[] ticks) : base(name, FeatureKind.Date) => _ticks = ticks;

    /// <summary>Stands for a missing date.</summary>
    public const long MissingTicks = long.MinValue;

    /// <summary>Ticks by row, shape [rows].</summary>
    public ReadOnlySpan<long> Ticks => _ticks;

    /// <inheritdoc/>
    public override bool IsMissing(int row) => _ticks[row] == MissingTicks;

    internal override TableColumn Take(ReadOnlySpan<int> rows)
    {
        var taken = new long[rows.Length];
        for (var i = 0; i < rows.Length; i++) taken[i] = _ticks[rows[i]];
        return new DateColumn(Name, taken);
    }

    internal override long Key(int row) => _ticks[row];

    private protected override int RowCount => _ticks.Length;
}

/// <summary>Free text; null: missing.</summary>
public sealed class TextColumn : TableColumn
{
    private readonly string?[] _values;

    internal TextColumn(string name, string?[] values) : base(name, FeatureKind.Text) => _values = values;

    /// <summary>Texts by row, shape [rows].</summary>
    public ReadOnlySpan<string?> Values => _values;

    /// <inheritdoc/>
    public override bool IsMissing(int row) => _values[row] is null;

    internal override TableColumn Take(ReadOnlySpan<int> rows)
    {
        var taken = new string?[rows.Length];
        for (var i = 0; i < rows.Length; i++) taken[i] = _values[rows[i]];
        return new TextColumn(Name, taken);
    }

    private protected override int RowCount => _values.Length;

    internal override long Key(int row) => _values[row] is { } text ? string.GetHashCode(text, StringComparison.Ordinal) : 0;
}
