using System.Text;
using Comity.Data.Contracts;
using Comity.Data.Preprocess;

namespace Comity.Data.Records;

/// <summary>Turns one record at a time into a model's input, cell by cell and without a table: what serving needs.</summary>
/// <remarks>
/// Gives the bits that <see cref="Preprocessing.LoadRecords"/> and <see cref="Preprocessing.Encode"/> give for the same texts; a test
/// compares both. Safe for several threads; allocates nothing for values that it has seen spelt before in the contract.
/// </remarks>
public sealed class RecordEncoder
{
    private readonly CellEncoder[] _cells;
    private readonly byte[][] _names;
    private readonly Dictionary<string, int> _positions = new(StringComparer.Ordinal);

    /// <param name="preprocessing">Everything that turns a record into a model's input.</param>
    public RecordEncoder(Preprocessing preprocessing)
    {
        ArgumentNullException.ThrowIfNull(preprocessing);
        var features = preprocessing.Contract.Features.ToDictionary(f => f.Column, StringComparer.Ordinal);
        var (cells, fields, at) = (new List<CellEncoder>(), new List<RecordField>(), 0);
        foreach (var column in preprocessing.Columns.Where(c => c.Selected))
        {
            var feature = features[column.Column];
            var cell = CellEncoder.Of(feature, column, preprocessing.Contract.Missing, preprocessing.Clean.OutOfRangeFor(column.Column), at);
            at += column.InputCount;
            _positions.Add(column.Column, cells.Count);
            cells.Add(cell);
            fields.Add(new RecordField(column.Column, feature.Kind, cell.Levels, feature.Range, feature.Unit, feature.Format));
        }
        (_cells, Fields, Width) = ([.. cells], fields, at);
        _names = [.. fields.Select(f => Encoding.UTF8.GetBytes(f.Column))];
    }

    /// <summary>The columns that a record is asked for, in the contract's order.</summary>
    public IReadOnlyList<RecordField> Fields { get; }

    /// <summary>Number of the model's inputs.</summary>
    public int Width { get; }

    /// <summary>The position of a column; −1: the model has none of that name.</summary>
    /// <param name="name">The column's name in UTF-8.</param>
    /// <param name="expected">The position tried first: records tend to name their columns in the contract's order.</param>
    public int Find(ReadOnlySpan<byte> name, int expected)
    {
        if ((uint)expected < (uint)_names.Length && name.SequenceEqual(_names[expected])) return expected;
        return _positions.TryGetValue(Encoding.UTF8.GetString(name), out var at) ? at : -1;
    }

    /// <summary>The position of a column; −1: the model has none of that name.</summary>
    public int Find(string name) => _positions.GetValueOrDefault(name, -1);

    /// <summary>Encodes a cell that was written as a number.</summary>
    /// <param name="field">Position of the column.</param>
    /// <param name="value">The number.</param>
    /// <param name="text">The number as it was written, which is what a category's value is compared with.</param>
    /// <param name="row">The model's input, shape [<see cref="Width"/>], zero where nothing was written yet.</param>
    public EncodedCell Number(int field, double value, ReadOnlySpan<byte> text, Span<float> row) => _cells[field].Number(value, text, row);

    /// <summary>Encodes a cell that was written as a text.</summary>
    /// <param name="field">Position of the column.</param>
    /// <param name="text">The text in UTF-8.</param>
    /// <param name="row">The model's input, shape [<see cref="Width"/>], zero where nothing was written yet.</param>
    public EncodedCell Text(int field, ReadOnlySpan<byte> text, Span<float> row) => _cells[field].Text(text, row);

    /// <summary>Encodes a cell that was not given.</summary>
    /// <param name="field">Position of the column.</param>
    /// <param name="row">The model's input, shape [<see cref="Width"/>], zero where nothing was written yet.</param>
    public EncodedCell Missing(int field, Span<float> row)
    {
        _cells[field].Fill(row);
        return EncodedCell.Missing;
    }
}
