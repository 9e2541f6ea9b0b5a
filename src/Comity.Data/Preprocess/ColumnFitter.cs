using System.Globalization;
using Comity.Data.Contracts;
using Comity.Data.Shared;

namespace Comity.Data.Preprocess;

/// <summary>Works a column's numbers out of the shared statistics.</summary>
internal static class ColumnFitter
{
    public static FittedColumn Fit(FeatureSection feature, PreprocessSection preprocess, SharedStatistics agreed)
    {
        var name = feature.Column;
        var fitted = new FittedColumn
        {
            Column = name,
            Kind = feature.Kind,
            Indicator = preprocess.IndicatorFor(name),
            MissingUnusable = preprocess.MissingFor(name) == MissingPolicy.DropRow,
        };
        return feature.Kind switch
        {
            FeatureKind.Number => Number(fitted, feature, preprocess, agreed),
            FeatureKind.Date => fitted with { Parts = feature.Parts.Count > 0 ? feature.Parts : [DatePart.Month, DatePart.Weekday] },
            FeatureKind.Image or FeatureKind.Audio => Grid(fitted, feature, preprocess, agreed),
            FeatureKind.Text when feature is { Tokens: { } words, Tokenizer: Tokenizer.Words } => fitted with { Indicator = false, Buckets = feature.Buckets, BlockLength = words + 1 },
            FeatureKind.Text when feature.Tokens is { } tokens => fitted with { Indicator = false, Levels = Part(agreed, name + "/characters").Labels, BlockLength = tokens + 1 },
            FeatureKind.Text => throw new ArgumentException($"No tabular model learns from the text column '{name}'; remove it from the features.", nameof(feature)),
            _ => Levels(fitted, feature, preprocess, agreed),
        };
    }

    private static FittedColumn Number(FittedColumn fitted, FeatureSection feature, PreprocessSection preprocess, SharedStatistics agreed)
    {
        var name = feature.Column;
        var (present, mean, deviation) = Moments(Part(agreed, name + "/moments").Values, StatisticsPlan.Shift(name, feature.Range, agreed));
        double Quantile(double q) => deviation == 0 || StatisticsPlan.Sketch(name, name, feature.Range, agreed).Quantile(Part(agreed, name + "/sketch").Values, q) is not (var value and not double.NaN) ? mean : value;
        if (present == 0) return fitted with { Fill = Constant(preprocess, name) ?? 0 }; // no site knows a value: every row gets the same input
        if (preprocess.WinsoriseFor(name) is [var from, var to]) fitted = fitted with { Low = Quantile(from), High = Quantile(to) };
        fitted = fitted with
        {
            Fill = preprocess.MissingFor(name) switch
            {
                MissingPolicy.Median or MissingPolicy.MostFrequent => Quantile(0.5),
                MissingPolicy.Constant => Constant(preprocess, name)!.Value,
                _ => mean,
            },
        };
        return preprocess.ScaleFor(name) switch
        {
            ScaleKind.Standard => fitted with { Center = mean, Scale = NotZero(deviation) },
            ScaleKind.Robust => fitted with { Center = Quantile(0.5), Scale = NotZero(Quantile(0.75) - Quantile(0.25)) },
            ScaleKind.MinMax => MinMax(fitted, StatisticsPlan.Extremes(feature, agreed)),
            _ => fitted,
        };
    }

    private static FittedColumn Grid(FittedColumn fitted, FeatureSection feature, PreprocessSection preprocess, SharedStatistics agreed)
    {
        var (blocks, length) = feature.Kind == FeatureKind.Image
            ? (feature.Channels, feature.Height!.Value * feature.Width!.Value)
            : Audio.Spectrum.Size(feature.SpectrumOrDefault, feature.Rate!.Value, feature.SampleCount);
        var moments = Part(agreed, feature.Column + "/moments").Values;
        double[] centers = new double[blocks], scales = [.. Enumerable.Repeat(1.0, blocks)];
        if (preprocess.ScaleFor(feature.Column) == ScaleKind.Standard)
        {
            for (var b = 0; b < blocks; b++)
            {
                var (present, mean, deviation) = Moments([moments[3 * b], 0, moments[3 * b + 1], moments[3 * b + 2]], 0);
                if (present > 0) (centers[b], scales[b]) = (mean, NotZero(deviation));
            }
        }
        return fitted with { Indicator = false, Centers = centers, Scales = scales, BlockLength = length };
    }

    private static FittedColumn MinMax(FittedColumn fitted, (double Min, double Max) extremes)
    {
        var (min, max) = extremes;
        var (low, high) = (Math.Max(min, fitted.Low ?? min), Math.Min(max, fitted.High ?? max));
        return fitted with { Center = low, Scale = NotZero(high - low) };
    }

    private static FittedColumn Levels(FittedColumn fitted, FeatureSection feature, PreprocessSection preprocess, SharedStatistics agreed)
    {
        var name = feature.Column;
        var levels = StatisticsPlan.Levels(feature, agreed);
        // Noise may have taken a count below zero.
        var counts = Part(agreed, name + "/counts").Values.Take(levels.Count).Select(n => Math.Max(0, n)).ToArray();
        var present = counts.Sum();
        var mostFrequent = present == 0 ? 0 : Array.IndexOf(counts, counts.Max());
        fitted = fitted with
        {
            Levels = levels,
            DropFirst = feature.Kind == FeatureKind.Category && preprocess.EncodeFor(name) == EncodeKind.OneHotDropFirst,
            Fill = mostFrequent,
        };
        if (preprocess.MissingFor(name) == MissingPolicy.Constant && preprocess.Columns[name].Constant is { } constant)
            fitted = fitted with { Fill = levels.ToList().IndexOf(Level.Canonical(constant)) is >= 0 and var at ? at : mostFrequent };
        if (feature.Kind != FeatureKind.Ordinal || present == 0) return fitted;
        var mean = counts.Select((n, code) => n * code).Sum() / present;
        var deviation = Math.Sqrt(counts.Select((n, code) => n * (code - mean) * (code - mean)).Sum() / present);
        double Quantile(double q)
        {
            var (code, below) = (0, counts[0]);
            while (below < q * present - 1e-9 && code < counts.Length - 1) below += counts[++code];
            return code;
        }
        fitted = fitted with
        {
            Fill = preprocess.MissingFor(name) switch { MissingPolicy.Mean => mean, MissingPolicy.Median => Quantile(0.5), _ => fitted.Fill },
        };
        return preprocess.ScaleFor(name) switch
        {
            ScaleKind.Standard => fitted with { Center = mean, Scale = NotZero(deviation) },
            ScaleKind.Robust => fitted with { Center = Quantile(0.5), Scale = NotZero(Quantile(0.75) - Quantile(0.25)) },
            ScaleKind.MinMax => fitted with { Scale = NotZero(levels.Count - 1) },
            _ => fitted,
        };
    }

    /// <summary>Present rows, mean and standard deviation (divisor n, as scikit-learn's StandardScaler) of shifted sums.</summary>
    internal static (double Present, double Mean, double Deviation) Moments(IReadOnlyList<double> moments, double shift)
    {
        var present = moments[0];
        // Under privacy sums carry noise: less than one row present is none.
        if (present < 1) return (0, double.NaN, double.NaN);
        var mean = moments[2] / present;
        var variance = moments[3] / present - mean * mean;
        // What cancellation leaves of equal values is no spread.
        return (present, mean + shift, variance > 1e-12 * (moments[3] / present) ? Math.Sqrt(variance) : 0);
    }

    internal static SharedPart Part(SharedStatistics agreed, string name) =>
        agreed[name] ?? throw new ArgumentException($"The agreed statistics lack '{name}': all steps of the study must have run.", nameof(agreed));

    private static double? Constant(PreprocessSection preprocess, string column) =>
        preprocess.MissingFor(column) == MissingPolicy.Constant && preprocess.Columns.TryGetValue(column, out var own) && double.TryParse(own.Constant, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) ? value : null;

    private static double NotZero(double scale) => scale > 0 && double.IsFinite(scale) ? scale : 1;
}
