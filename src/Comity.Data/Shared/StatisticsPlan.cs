using Comity.Data.Contracts;
using Comity.Data.Preprocess;

namespace Comity.Data.Shared;

/// <summary>Which statistics a study needs: only these are collected, since each one leaves the site.</summary>
internal sealed class StatisticsPlan
{
    public const string Vocabulary = "vocabulary";
    public const string Moments = "moments";
    public const string Quantiles = "quantiles";
    public const string Association = "association";
    private readonly ContractSection _contract;
    private readonly PreprocessSection _preprocess;

    private StatisticsPlan(ContractSection contract, PreprocessSection preprocess) => (_contract, _preprocess) = (contract, preprocess);

    public static StatisticsPlan Of(ContractSection contract, PreprocessSection preprocess) => new(contract, preprocess);

    public IReadOnlyList<string> Steps
    {
        get
        {
            var steps = new List<string>();
            if (_contract.Features.Any(NeedsVocabulary) || _contract.Features.Any(NeedsExtremes) || LabelNeedsExtremes) steps.Add(Vocabulary);
            if (_preprocess.Statistics == StatisticsFrom.Site) return steps;
            steps.Add(Moments);
            if (_contract.Features.Any(NeedsSketch) || LabelNeedsSketch) steps.Add(Quantiles);
            if (ByInformation) steps.Add(Association);
            return steps;
        }
    }

    public bool ByInformation => _preprocess.Selection?.By == SelectionKind.MutualInformation;

    public bool ByCorrelation => _preprocess.Selection?.By == SelectionKind.Correlation;

    public bool LabelNeedsExtremes => _contract.Label.Kind == LabelKind.Number && _contract.Label.Range is not { IsClosed: true };

    public bool LabelNeedsSketch => _contract.Label.Kind == LabelKind.Number && ByInformation;

    public static bool NeedsVocabulary(FeatureSection feature) => feature.Kind == FeatureKind.Category && feature.Values.Count == 0;

    /// <summary>A number without closed bounds: its extremes give sums a shift and quantile sketches their buckets.</summary>
    public static bool NeedsExtremes(FeatureSection feature) => feature.Kind == FeatureKind.Number && feature.Range is not { IsClosed: true };

    /// <summary>Whether smallest and largest value are needed although the contract bounds the number.</summary>
    public bool NeedsObservedExtremes(FeatureSection feature) =>
        feature.Kind == FeatureKind.Number && !NeedsExtremes(feature) && _preprocess.ScaleFor(feature.Column) == ScaleKind.MinMax;

    /// <summary>Whether quantiles of a number are needed: its sketch is the largest statistic, so it is made for a reason only.</summary>
    public bool NeedsSketch(FeatureSection feature) => feature.Kind == FeatureKind.Number
        && (_preprocess.MissingFor(feature.Column) is MissingPolicy.Median or MissingPolicy.MostFrequent
            || _preprocess.ScaleFor(feature.Column) == ScaleKind.Robust
            || _preprocess.WinsoriseFor(feature.Column).Count > 0
            || ByInformation);

    /// <summary>Bounds of a number: the contract's, or the extremes over all sites.</summary>
    public static (double Low, double High) Bounds(string column, ValueRange? range, SharedStatistics agreed)
    {
        if (range is { IsClosed: true }) return (range.Low!.Value, range.High!.Value);
        var low = agreed[column + "/min"]?.Values[0] ?? 0;
        var high = agreed[column + "/max"]?.Values[0] ?? 0;
        return low <= high ? (low, high) : (0, 0); // no site has a single value
    }

    /// <summary>The agreed buckets of a number; mean and deviation come from its moments.</summary>
    public static QuantileSketch Sketch(string column, string part, ValueRange? range, SharedStatistics agreed)
    {
        var (low, high) = Bounds(column, range, agreed);
        var (_, mean, deviation) = ColumnFitter.Moments(ColumnFitter.Part(agreed, part + "/moments").Values, StatisticsCollector.Middle(low, high));
        return new QuantileSketch(low, high, mean, deviation);
    }

    /// <summary>Values of a category: the contract's, or the union over all sites.</summary>
    public static IReadOnlyList<string> Levels(FeatureSection feature, SharedStatistics agreed) => feature switch
    {
        { Kind: FeatureKind.Boolean, Values.Count: 0 } => ["false", "true"],
        { Values.Count: > 0 } => [.. feature.Values.Select(Level.Canonical)],
        _ => agreed[feature.Column + "/levels"]?.Labels ?? [],
    };
}
