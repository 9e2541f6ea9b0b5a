using Comity.Federation.Sites;

namespace Comity.Federation.Evidence;

/// <summary>Metrics from counts that add up over sites, exact or noised, with intervals for rows and noise together.</summary>
/// <remarks>
/// Intervals are those of the delta method at 95 %: with g the metric's derivative by each count c, rows drawn anew move it by Σ c·g² − (Σ c·g)²/n, and noise of variance v
/// on each count by v·Σ g². Counts are smoothed there by four rows in all (as Agresti and Coull 1998 do with proportions), so that a model without an error does not look certain. A metric
/// whose denominator is less than four deviations of the noise in it has no such interval, and is not told. ROC AUC takes
/// rows of one bin as ties, counted half (Mann and Whitney); its variance by counts is then that of DeLong et al. 1988. PR AUC is average precision over the bins, told of exact counts only.
/// Calibration comes from sums by bin (<see cref="CountedCalibration"/>).
/// </remarks>
public static class CountedMetrics
{
    private const double Z = 1.959963984540054, Smoothing = 4, Step = 1e-3;

    private static readonly string[] Binary = ["accuracy", "majorityShare", "balancedAccuracy", "precision", "recall", "specificity", "f1", "rocAuc"];

    private static readonly string[] Multiclass = ["accuracy", "majorityShare", "balancedAccuracy", "f1Macro"];

    /// <summary>Metrics that counts alone tell of a task; empty: none.</summary>
    /// <param name="task">As in the results: <c>binary</c>, <c>multiclass</c>, ….</param>
    public static IReadOnlyList<string> NamesOf(string task) => task switch { "binary" => Binary, "multiclass" => Multiclass, _ => [] };

    /// <summary>The metrics.</summary>
    /// <param name="counts">Parts <c>scores</c> [2·B] or <c>confusion</c> [k·k], and <c>losses</c>, <c>calibration</c> [4·B] or <c>errors</c> where they were summed.</param>
    /// <param name="noise">Variance of the noise on each count; 0: none.</param>
    public static EvaluationResult Of(Statistics counts, double noise)
    {
        ArgumentNullException.ThrowIfNull(counts);
        double[]? Part(string name) => counts.Parts.FirstOrDefault(p => p.Name == name)?.Values.ToArray();
        var metrics = new OrderedDictionary<string, Estimate>(StringComparer.Ordinal);
        if (Part("errors") is { } errors) return Regression(errors, metrics);
        var scores = Part("scores");
        var cells = scores ?? Part("confusion") ?? throw new ArgumentException("Neither scores nor confusion were counted.", nameof(counts));
        var classes = scores is not null ? 2 : (int)Math.Sqrt(cells.Length);
        Action<ReadOnlySpan<double>, Span<double>> measure = scores is not null ? OfScores : (c, to) => OfConfusion(c, classes, to);
        string[] names = scores is null ? Multiclass : noise > 0 ? Binary : [.. Binary, "prAuc"];
        var estimates = Estimates(cells, measure, names.Length, noise);
        foreach (var drowned in Drowned(cells, classes, scores is not null, noise)) estimates[drowned] = Nothing;
        for (var i = 0; i < names.Length; i++) metrics[names[i]] = estimates[i];
        var rows = cells.Sum();
        if (Part("losses") is { } losses)
        {
            metrics["logLoss"] = Mean(losses[0], losses[1], rows);
            metrics["brier"] = Mean(losses[2], losses[3], rows);
        }
        var calibration = Part("calibration") is { } sums ? new CountedCalibration(sums) : null;
        if (calibration is not null) (metrics["ece"], metrics["mce"]) = calibration.Errors();
        var confusion = scores is not null ? Confusion(scores) : cells;
        int Count(double value) => (int)Math.Max(0, Math.Round(value));
        return new EvaluationResult
        {
            Rows = Count(rows), Metrics = metrics,
            Confusion = [.. Enumerable.Range(0, classes).Select(t => (IReadOnlyList<int>)[.. Enumerable.Range(0, classes).Select(p => Count(confusion[(t * classes) + p]))])],
            ClassCounts = [.. Enumerable.Range(0, classes).Select(t => Count(Enumerable.Range(0, classes).Sum(p => confusion[(t * classes) + p])))],
            Roc = scores is not null && noise == 0 ? Roc(scores) : [],
            Calibration = calibration?.Curve ?? [],
            Warnings = metrics.Values.All(m => double.IsNaN(m.Value)) && noise > 0 ? ["lost-in-noise"] : [],
        };
    }

    private static Estimate[] Estimates(double[] cells, Action<ReadOnlySpan<double>, Span<double>> measure, int metrics, double noise)
    {
        var values = new double[metrics];
        measure(cells, values);
        var smoothed = cells.Select(c => c + (Smoothing / cells.Length)).ToArray(); // below zero where noise carried them: cut off there, totals would be too large
        var n = smoothed.Sum();
        var (squares, firsts, plain) = (new double[metrics], new double[metrics], new double[metrics]);
        double[] up = new double[metrics], down = new double[metrics];
        for (var i = 0; i < cells.Length; i++)
        {
            var (at, h) = (smoothed[i], Step * Math.Max(1, n));
            smoothed[i] = at + h;
            measure(smoothed, up);
            smoothed[i] = at - h;
            measure(smoothed, down);
            smoothed[i] = at;
            for (var m = 0; m < metrics; m++)
            {
                var g = (up[m] - down[m]) / (2 * h);
                squares[m] += at * g * g;
                firsts[m] += at * g;
                plain[m] += g * g;
            }
        }
        return [.. values.Select((value, m) =>
        {
            if (!double.IsFinite(value)) return Nothing;
            value = Math.Clamp(value, 0, 1); // noise may carry it out of what is possible
            var half = Z * Math.Sqrt(Math.Max(0, squares[m] - (firsts[m] * firsts[m] / n)) + (noise * plain[m]));
            return new Estimate(value, Math.Max(0, value - half), Math.Min(1, value + half));
        })];
    }

    private static Estimate Nothing { get; } = new(double.NaN, double.NaN, double.NaN);

    // Which metrics have a denominator that the noise on its counts may well have made.
    private static IEnumerable<int> Drowned(double[] cells, int classes, bool scores, double noise)
    {
        if (noise == 0) return [];
        bool Lost(IEnumerable<double> counts) => counts.Sum() < 4 * Math.Sqrt(noise * counts.Count());
        if (Lost(cells)) return Enumerable.Range(0, scores ? Binary.Length : Multiclass.Length);
        var width = cells.Length / classes;
        var lost = Enumerable.Range(0, classes).Select(c => Lost(cells.Skip(c * width).Take(width))).ToArray();
        if (!scores) return lost.Any(l => l) ? [2, 3] : [];
        var called = Lost(Enumerable.Range(0, cells.Length).Where(i => i % width >= width / 2).Select(i => cells[i]));
        return [.. lost[0] ? [2, 5, 7] : Array.Empty<int>(), .. lost[1] ? [2, 4, 6, 7] : Array.Empty<int>(), .. called ? [3] : Array.Empty<int>()];
    }

    private static void OfScores(ReadOnlySpan<double> cells, Span<double> to)
    {
        var bins = cells.Length / 2;
        double negatives = 0, positives = 0, alarms = 0, hits = 0, area = 0;
        for (var bin = 0; bin < bins; bin++)
        {
            var (negative, positive) = (cells[bin], cells[bins + bin]);
            area += positive * (negatives + (negative / 2)); // negatives below, ties half
            negatives += negative;
            positives += positive;
            if (bin < bins / 2) continue;
            alarms += negative;
            hits += positive;
        }
        var n = negatives + positives;
        to[0] = Share(hits + negatives - alarms, n);
        to[1] = Share(Math.Max(negatives, positives), n);
        to[4] = Share(hits, positives);
        to[5] = Share(negatives - alarms, negatives);
        to[2] = (to[4] + to[5]) / 2;
        to[3] = Share(hits, hits + alarms);
        to[6] = Share(2 * hits, positives + hits + alarms);
        to[7] = negatives > 0 && positives > 0 ? area / (negatives * positives) : double.NaN;
        if (to.Length > 8) to[8] = negatives > 0 && positives > 0 ? AveragePrecision(cells, bins, positives) : double.NaN;
    }

    // Σ (R − R before) · P over thresholds at the bins' lower edges, from the highest on.
    private static double AveragePrecision(ReadOnlySpan<double> cells, int bins, double positives)
    {
        double hits = 0, called = 0, sum = 0;
        for (var bin = bins - 1; bin >= 0; bin--)
        {
            hits += cells[bins + bin];
            called += cells[bins + bin] + cells[bin];
            if (called > 0) sum += cells[bins + bin] * hits / called;
        }
        return sum / positives;
    }

    private static void OfConfusion(ReadOnlySpan<double> cells, int classes, Span<double> to)
    {
        double n = 0, right = 0, largest = 0, recall = 0, f1 = 0;
        var (present, occurring) = (0, 0);
        for (var c = 0; c < classes; c++)
        {
            double truth = 0, predicted = 0;
            for (var other = 0; other < classes; other++)
            {
                truth += cells[(c * classes) + other];
                predicted += cells[(other * classes) + c];
            }
            var hits = cells[(c * classes) + c];
            n += truth;
            right += hits;
            largest = Math.Max(largest, truth);
            if (truth > 0)
            {
                present++;
                recall += hits / truth;
            }
            if (truth + predicted <= 0) continue;
            occurring++;
            f1 += 2 * hits / (truth + predicted);
        }
        to[0] = Share(right, n);
        to[1] = Share(largest, n);
        to[2] = Share(recall, present);
        to[3] = Share(f1, occurring);
    }

    private static double Share(double part, double whole) => whole > 0 ? part / whole : double.NaN;

    private static Estimate Mean(double sum, double squares, double rows)
    {
        if (!(rows > 0)) return Nothing;
        var mean = sum / rows;
        var half = Z * Math.Sqrt(Math.Max(0, (squares / rows) - (mean * mean)) / rows);
        return new Estimate(mean, Math.Max(0, mean - half), mean + half);
    }

    private static EvaluationResult Regression(double[] errors, OrderedDictionary<string, Estimate> metrics)
    {
        var mse = Mean(errors[1], errors[2], errors[0]);
        metrics["mse"] = mse;
        metrics["rmse"] = new Estimate(Math.Sqrt(mse.Value), Math.Sqrt(mse.Low), Math.Sqrt(mse.High));
        metrics["mae"] = Mean(errors[3], errors[1], errors[0]);
        return new EvaluationResult { Rows = (int)errors[0], Metrics = metrics };
    }

    private static double[] Confusion(double[] scores)
    {
        var (bins, cells) = (scores.Length / 2, new double[4]);
        for (var i = 0; i < scores.Length; i++) cells[(i / bins * 2) + (i % bins >= bins / 2 ? 1 : 0)] += scores[i];
        return cells;
    }

    private static List<CurvePoint> Roc(double[] scores)
    {
        var bins = scores.Length / 2;
        var (negatives, positives) = (scores[..bins].Sum(), scores[bins..].Sum());
        if (negatives <= 0 || positives <= 0) return [];
        var (alarms, hits, curve) = (0.0, 0.0, new List<CurvePoint> { new(0, 0, 0) });
        for (var bin = bins - 1; bin >= 0; bin--)
        {
            if (scores[bin] + scores[bins + bin] == 0) continue;
            alarms += scores[bin];
            hits += scores[bins + bin];
            curve.Add(new CurvePoint(alarms / negatives, hits / positives, (int)(alarms + hits)));
        }
        return curve;
    }
}
