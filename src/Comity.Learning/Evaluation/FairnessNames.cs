namespace Comity.Learning.Evaluation;

/// <summary>Names of rates within a group and of measures between groups.</summary>
public static class FairnessNames
{
    /// <summary>Share of a group's rows called positive.</summary>
    public const string SelectionRate = "selectionRate";

    /// <summary>Share of a group's positive rows called positive.</summary>
    public const string TruePositiveRate = "truePositiveRate";

    /// <summary>Share of a group's negative rows called positive.</summary>
    public const string FalsePositiveRate = "falsePositiveRate";

    /// <summary>Largest minus smallest selection rate.</summary>
    public const string DemographicParityDifference = "demographicParityDifference";

    /// <summary>Smallest over largest selection rate; NaN if none is selected anywhere.</summary>
    public const string DemographicParityRatio = "demographicParityRatio";

    /// <summary>Largest distance of a group's selection rate from that of all rows.</summary>
    public const string DemographicParityToOverall = "demographicParityToOverall";

    /// <summary>The larger of the spreads of true and of false positive rates.</summary>
    public const string EqualisedOddsDifference = "equalisedOddsDifference";

    /// <summary>The mean of these two spreads.</summary>
    public const string EqualisedOddsMeanDifference = "equalisedOddsMeanDifference";

    /// <summary>The smaller of the two ratios, smallest over largest rate; a ratio of zero to zero is left out.</summary>
    public const string EqualisedOddsRatio = "equalisedOddsRatio";

    /// <summary>Largest minus smallest true positive rate (Hardt, Price and Srebro 2016).</summary>
    public const string EqualOpportunityDifference = "equalOpportunityDifference";

    internal static readonly string[] Between =
    [
        DemographicParityDifference, DemographicParityRatio, DemographicParityToOverall,
        EqualisedOddsDifference, EqualisedOddsMeanDifference, EqualisedOddsRatio, EqualOpportunityDifference,
    ];
}
