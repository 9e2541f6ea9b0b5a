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
            if (_contract.Features.Any(f => NeedsVocabulary(f) || NeedsCharacters(f)) || (SharesSums && (_contract.Features.Any(NeedsSum) || LabelNeedsSum))) steps.Add(Vocabulary);
            if (!SharesSums) return steps;
            steps.Add(Moments);
            if (_contract.Features.Any(NeedsSketch) || LabelNeedsSketch) steps.Add(Quantiles);
            if (ByInformation) steps.Add(Association);
            return steps;
        }
    }

    public bool ByInformation => _preprocess.Selection?.By == SelectionKind.MutualInformation;

    public bool ByCorrelation => _preprocess.Selection?.By == SelectionKind.Correlation;

    /// <summary>Whether sums are agreed on at all, or each site keeps to its own.</summary>
    public bool SharesSums => _preprocess.Statistics != StatisticsFrom.Site;

    public bool LabelNeedsSum => _contract.Label.Kind == LabelKind.Number && _contract.Label.Range is not { IsClosed: true };

    public bool LabelNeedsSketch => _contract.Label.Kind == LabelKind.Number && ByInformation;

    public static bool NeedsVocabulary(FeatureSection feature) => feature.Kind == FeatureKind.Category && feature.Values.Count == 0;

    /// <summary>A text whose characters models read: all sites number them alike.</summary>
    public static bool NeedsCharacters(FeatureSection feature) => feature is { Tokens: not null, Tokenizer: Tokenizer.Characters };

    /// <summary>A number without closed bounds: its mean, agreed first, shifts the sums that follow, so that the squares don't cancel.</summary>
    public static bool NeedsSum(FeatureSection feature) => feature.Kind == FeatureKind.Number && feature.Range is not { IsClosed: true };

    /// <summary>Whether a smallest and a largest value must be shared, each of which is one record's: only to scale or to select by them where the contract gives no range.</summary>
    public bool NeedsExtremes(FeatureSection feature) => NeedsSum(feature)
        && (_preprocess.ScaleFor(feature.Column) == ScaleKind.MinMax || _preprocess.Selection?.By == SelectionKind.Variance);

    /// <summary>Whether quantiles of a number are needed: its sketch is the largest statistic, so it is made for a reason only.</summary>
    public bool NeedsSketch(FeatureSection feature) => feature.Kind == FeatureKind.Number
        && (_preprocess.MissingFor(feature.Column) is MissingPolicy.Median or MissingPolicy.MostFrequent
            || _preprocess.ScaleFor(feature.Column) == ScaleKind.Robust
            || _preprocess.WinsoriseFor(feature.Column).Count > 0
            || ByInformation);

    /// <summary>What is taken off a number before it is summed: the middle of the contract's range, or the mean agreed first.</summary>
    public static double Shift(string column, ValueRange? range, SharedStatistics agreed)
    {
        if (range is { IsClosed: true }) return range.Low!.Value + (range.High!.Value - range.Low.Value) / 2;
        return agreed[column + "/sum"]?.Values is [> 0 and var present, var sum] ? sum / present : 0;
    }

    /// <summary>Lowest and highest value: the contract's range, or what was met at any site.</summary>
    public static (double Low, double High) Extremes(FeatureSection feature, SharedStatistics agreed) => feature.Range is { IsClosed: true } range
        ? (range.Low!.Value, range.High!.Value)
        : (ColumnFitter.Part(agreed, feature.Column + "/min").Values[0], ColumnFitter.Part(agreed, feature.Column + "/max").Values[0]);

    /// <summary>The agreed buckets of a number; mean and deviation come from its moments.</summary>
    /// <remarks>Without a range the bounds follow from the moments: no value lies further from the mean than s·√(n−1) (Samuelson 1968), so nobody's extreme is asked for.</remarks>
    public static QuantileSketch Sketch(string column, string part, ValueRange? range, SharedStatistics agreed)
    {
        var (present, mean, deviation) = ColumnFitter.Moments(ColumnFitter.Part(agreed, part + "/moments").Values, Shift(column, range, agreed));
        if (range is { IsClosed: true }) return new QuantileSketch(range.Low!.Value, range.High!.Value, mean, deviation);
        if (present == 0) return new QuantileSketch(0, 0, mean, deviation);
        var reach = deviation * Math.Sqrt(present);
        return new QuantileSketch(mean - reach, mean + reach, mean, deviation);
    }

    /// <summary>Values of a category: the contract's, or the union over all sites.</summary>
    public static IReadOnlyList<string> Levels(FeatureSection feature, SharedStatistics agreed) => feature switch
    {
        { Kind: FeatureKind.Boolean, Values.Count: 0 } => ["false", "true"],
        { Values.Count: > 0 } => [.. feature.Values.Select(Level.Canonical)],
        _ => agreed[feature.Column + "/levels"]?.Labels ?? [],
    };
}
