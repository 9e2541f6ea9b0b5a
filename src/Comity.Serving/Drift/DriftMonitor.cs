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

    /// <summary>Windows that may be handed on in a minute. What comes faster makes them larger, so that a busy market's store doesn't grow with its load.</summary>
    public const int WindowsPerMinute = 60;

    private const int Missing = -1, Unseen = -2, NotWatched = -3, CellsAtOnce = 512;

    private readonly Lock _gate = new();
    private readonly ServedModel _model;
    private readonly string _market;
    private readonly int _rows;
    private readonly TimeProvider _time;
    private readonly Action<DriftWindow> _full;
    private readonly ReferenceColumn?[] _references;
    private readonly int[]?[] _levels;
    private readonly double[][] _cuts;
    private readonly double[] _scoreCuts;
    private readonly ReferenceColumn? _score;
    private readonly int[][] _counts;
    private readonly int[] _missing;
    private readonly int[] _unseen;
    private readonly int[] _scores;
    private int _seen;
    private DateTimeOffset _started;
    private long _minute;
    private int _inMinute;

    public DriftMonitor(ServedModel model, string market, int rows, TimeProvider time, Action<DriftWindow> full)
    {
        (_model, _market, _rows, _time, _full) = (model, market, rows, time, full);
        Reference = model.Reference.For(market);
        var fields = model.Records?.Fields ?? [];
        _references = [.. fields.Select(f => Reference.Columns.FirstOrDefault(c => c.Column == f.Column))];
        // The model's codes and the statistics' need not be in the same order.
        _levels = [.. fields.Select((f, i) => _references[i] is { Kind: not FeatureKind.Number } r ? f.Levels.Select(l => r.Levels.ToList().IndexOf(l)).ToArray() : null)];
        _cuts = [.. _references.Select(r => r?.Cuts.ToArray() ?? [])];
        _score = Reference.Score;
        _scoreCuts = _score?.Cuts.ToArray() ?? [];
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
        if (cells.IsEmpty)
        {
            ObserveScores(outputs, rows);
            return;
        }
        var (fields, width) = (_references.Length, _model.Outputs);
        // Where a value belongs is found out before the lock is taken; under it there is only counting.
        var columns = fields + 1;
        Span<int> bins = columns <= CellsAtOnce ? stackalloc int[CellsAtOnce] : new int[columns];
        var atOnce = Math.Max(1, CellsAtOnce / columns);
        for (var first = 0; first < rows; first += atOnce)
        {
            var count = Math.Min(atOnce, rows - first);
            for (var r = 0; r < count; r++)
            {
                var of = bins.Slice(r * columns, columns);
                for (var f = 0; f < fields; f++) of[f] = BinOf(f, cells[((first + r) * fields) + f]);
                of[fields] = _score is null ? NotWatched : BinOf(_scoreCuts, Score.Of(outputs.Slice((first + r) * width, width)));
            }
            Count(bins[..(count * columns)], count);
        }
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

    // Of encoded rows the scores alone are watched.
    private void ObserveScores(ReadOnlySpan<float> outputs, int rows)
    {
        var width = _model.Outputs;
        Span<int> counts = _scores.Length <= CellsAtOnce ? stackalloc int[CellsAtOnce] : new int[_scores.Length];
        counts = counts[.._scores.Length];
        counts.Clear();
        for (var r = 0; r < rows && _score is not null; r++) counts[BinOf(_scoreCuts, Score.Of(outputs.Slice(r * width, width)))]++;
        DriftWindow? full;
        lock (_gate)
        {
            if (_seen == 0) _started = _time.GetUtcNow();
            for (var b = 0; b < counts.Length; b++) _scores[b] += counts[b];
            full = Seen(rows);
        }
        if (full is not null) _full(full);
    }

    private void Count(ReadOnlySpan<int> bins, int rows)
    {
        var columns = _references.Length + 1;
        DriftWindow? full;
        lock (_gate)
        {
            if (_seen == 0) _started = _time.GetUtcNow();
            for (var r = 0; r < rows; r++, bins = bins[columns..])
            {
                for (var f = 0; f < columns - 1; f++)
                {
                    var bin = bins[f];
                    if (bin >= 0) _counts[f][bin]++;
                    else if (bin == Missing) _missing[f]++;
                    else if (bin == Unseen) _unseen[f]++;
                }
                if (bins[columns - 1] >= 0) _scores[bins[columns - 1]]++;
            }
            full = Seen(rows);
        }
        if (full is not null) _full(full);
    }

    private DriftWindow? Seen(int rows)
    {
        _seen += rows;
        return _seen >= _rows && MayHandOn() ? Take() : null;
    }

    private bool MayHandOn()
    {
        var minute = _time.GetTimestamp() / (60 * _time.TimestampFrequency);
        if (minute != _minute) (_minute, _inMinute) = (minute, 0);
        return _inMinute++ < WindowsPerMinute;
    }

    private int BinOf(int field, EncodedCell cell)
    {
        if (_references[field] is null) return NotWatched;
        if (cell.Finding == CellFinding.Missing) return Missing;
        if (double.IsNaN(cell.Value) || cell.Finding != CellFinding.Present) return Unseen;
        if (_levels[field] is not { } levels) return BinOf(_cuts[field], cell.Value);
        return levels[(int)cell.Value] is var level && level >= 0 ? level : Unseen;
    }

    // The few cuts are all compared: without a branch that depends on the value this is quicker than halving.
    private static int BinOf(double[] cuts, double value)
    {
        var bin = 0;
        foreach (var cut in cuts) bin += value > cut ? 1 : 0;
        return bin;
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
