using Comity.Data.Contracts;
using Comity.Data.Records;
using Comity.Data.Reference;
using Comity.Serving.Inference;

namespace Comity.Serving.Drift;

/// <summary>Counts the records that a version answers, window after window, and hands each full window on.</summary>
/// <remarks>A record is counted and forgotten. What a window holds when the process is killed is lost: at most <c>rows</c> records.</remarks>
internal sealed class DriftMonitor
{
    public const string ScoreColumn = "score";

    private readonly Lock _gate = new();
    private readonly ServedModel _model;
    private readonly string _market;
    private readonly int _rows;
    private readonly TimeProvider _time;
    private readonly Action<DriftWindow> _full;
    private readonly ReferenceColumn?[] _references;
    private readonly int[]?[] _levels;
    private readonly ReferenceColumn? _score;
    private readonly int[][] _counts;
    private readonly int[] _missing;
    private readonly int[] _unseen;
    private readonly int[] _scores;
    private int _seen;
    private DateTimeOffset _started;

    public DriftMonitor(ServedModel model, string market, int rows, TimeProvider time, Action<DriftWindow> full)
    {
        (_model, _market, _rows, _time, _full) = (model, market, rows, time, full);
        Reference = model.Reference.For(market);
        var fields = model.Records?.Fields ?? [];
        _references = [.. fields.Select(f => Reference.Columns.FirstOrDefault(c => c.Column == f.Column))];
        // The model's codes and the statistics' need not be in the same order.
        _levels = [.. fields.Select((f, i) => _references[i] is { Kind: not FeatureKind.Number } r ? f.Levels.Select(l => r.Levels.ToList().IndexOf(l)).ToArray() : null)];
        _score = Reference.Score;
        _counts = [.. _references.Select(r => new int[r?.Counts.Count ?? 0])];
        (_missing, _unseen, _scores) = (new int[fields.Count], new int[fields.Count], new int[_score?.Counts.Count ?? 0]);
    }

    /// <summary>What the live records are compared with.</summary>
    public ReferenceSample Reference { get; }

    /// <summary>Counts answered records.</summary>
    /// <param name="cells">Cells, shape [rows, fields]; empty where the request came encoded.</param>
    /// <param name="outputs">The answers, shape [rows, outputs].</param>
    /// <param name="rows">How many.</param>
    public void Observe(ReadOnlySpan<EncodedCell> cells, ReadOnlySpan<float> outputs, int rows)
    {
        var (fields, width) = (_references.Length, _model.Outputs);
        DriftWindow? full = null;
        lock (_gate)
        {
            if (_seen == 0) _started = _time.GetUtcNow();
            for (var r = 0; r < rows; r++)
            {
                if (!cells.IsEmpty)
                    for (var f = 0; f < fields; f++) Count(f, cells[(r * fields) + f]);
                if (_score is not null) _scores[ReferenceColumn.BinOf(_score.Cuts, Score.Of(outputs.Slice(r * width, width)))]++;
            }
            _seen += rows;
            if (_seen >= _rows) full = Take();
        }
        if (full is not null) _full(full);
    }

    /// <summary>Counts a record that was refused for a value that no training record had.</summary>
    public void Refused(int field)
    {
        lock (_gate) _unseen[field]++;
    }

    /// <summary>Hands the window on although it is not full.</summary>
    public void Flush()
    {
        DriftWindow? rest = null;
        lock (_gate)
        {
            if (_seen > 0) rest = Take();
        }
        if (rest is not null) _full(rest);
    }

    private void Count(int field, EncodedCell cell)
    {
        if (_references[field] is not { } reference) return;
        if (cell.Finding == CellFinding.Missing) _missing[field]++;
        else if (double.IsNaN(cell.Value) || cell.Finding != CellFinding.Present) _unseen[field]++;
        else if (_levels[field] is { } levels && levels[(int)cell.Value] is var level && level >= 0) _counts[field][level]++;
        else if (_levels[field] is not null) _unseen[field]++;
        else _counts[field][ReferenceColumn.BinOf(reference.Cuts, cell.Value)]++;
    }

    private DriftWindow Take()
    {
        var columns = new List<WindowColumn>();
        for (var f = 0; f < _references.Length; f++)
        {
            if (_references[f] is { } reference) columns.Add(new WindowColumn(reference.Column, [.. _counts[f]], _missing[f], _unseen[f]));
            Array.Clear(_counts[f]);
        }
        if (_score is not null) columns.Add(new WindowColumn(ScoreColumn, [.. _scores], 0, 0));
        Array.Clear(_missing);
        Array.Clear(_unseen);
        Array.Clear(_scores);
        var window = new DriftWindow(_model.Manifest.Name, _model.Manifest.Version, _market, _started, _time.GetUtcNow(), _seen, columns);
        _seen = 0;
        return window;
    }
}
