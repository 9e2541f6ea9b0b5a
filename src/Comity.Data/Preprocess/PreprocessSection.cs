using Comity.Declarations;

namespace Comity.Data.Preprocess;

/// <summary>Where statistics come from.</summary>
[Doc("Where the statistics behind preprocessing come from.")]
public enum StatisticsFrom
{
    /// <summary>All sites' statistics together.</summary>
    Federated,

    /// <summary>Each site's own; only the categories are agreed.</summary>
    Site,
}

/// <summary>What stands for a missing value.</summary>
[Doc("What stands for a missing value.")]
public enum MissingPolicy
{
    /// <summary>Median of a number or ordinal; of anything else the most frequent value.</summary>
    Median,

    /// <summary>Mean of a number or ordinal; of anything else the most frequent value.</summary>
    Mean,

    /// <summary>The most frequent value; of a number the median.</summary>
    MostFrequent,

    /// <summary>The column's <c>constant</c>.</summary>
    Constant,

    /// <summary>The row is left out.</summary>
    DropRow,
}

/// <summary>How a number is brought to scale.</summary>
[Doc("How a number is brought to scale.")]
public enum ScaleKind
{
    /// <summary>Mean 0, standard deviation 1.</summary>
    Standard,

    /// <summary>The contract's range from 0 to 1; without one, the smallest value met 0 and the largest 1.</summary>
    MinMax,

    /// <summary>Median 0, interquartile range 1.</summary>
    Robust,

    /// <summary>As it is.</summary>
    None,
}

/// <summary>How a category becomes numbers.</summary>
[Doc("How a category becomes numbers.")]
public enum EncodeKind
{
    /// <summary>A 0/1 column for each value.</summary>
    OneHot,

    /// <summary>The same without the first value, which all zeros stand for.</summary>
    OneHotDropFirst,
}

/// <summary>How columns become a model's input: the study's <c>preprocess</c>.</summary>
[Doc("How columns become a model's input.")]
public sealed record PreprocessSection : ICheckedDeclaration
{
    /// <summary>Where statistics come from.</summary>
    [Doc("federated (default): fitted on all sites' statistics together; site: each on its own.")]
    public StatisticsFrom Statistics { get; init; }

    /// <summary>What stands for missing values.</summary>
    [Doc("What stands for a missing value: median (default), mean, most-frequent, constant or drop-row.")]
    public MissingPolicy Missing { get; init; }

    /// <summary>Whether a 0/1 column says where a value was missing.</summary>
    [Doc("Whether a 0/1 column says where a value was missing.")]
    public bool Indicator { get; init; }

    /// <summary>How numbers are scaled.</summary>
    [Doc("How numbers and ordinals are scaled: standard (default), min-max (by the contract's range; without one by the smallest and the largest value, which then leave the site), robust or none.")]
    public ScaleKind Scale { get; init; }

    /// <summary>How categories are encoded.</summary>
    [Doc("How categories become numbers: one-hot (default) or one-hot-drop-first.")]
    public EncodeKind Encode { get; init; }

    /// <summary>Quantiles beyond which numbers are pulled in.</summary>
    [Doc("Quantiles beyond which numbers are pulled in, such as [0.01, 0.99].")]
    public IReadOnlyList<double> Winsorise { get; init; } = [];

    /// <summary>Which columns are kept.</summary>
    [Doc("Keeps only the columns that tell most, by statistics of all sites.")]
    public SelectionSection? Selection { get; init; }

    /// <summary>Other settings for single columns.</summary>
    [Doc("Other settings for single columns: { chol: { missing: mean, indicator: true } }.")]
    public IReadOnlyDictionary<string, ColumnSection> Columns { get; init; } = new Dictionary<string, ColumnSection>();

    /// <summary>The policy for a column's missing values.</summary>
    public MissingPolicy MissingFor(string column) => Own(column)?.Missing ?? Missing;

    /// <summary>Whether a column has a missing indicator.</summary>
    public bool IndicatorFor(string column) => Own(column)?.Indicator ?? Indicator;

    /// <summary>A column's scaling.</summary>
    public ScaleKind ScaleFor(string column) => Own(column)?.Scale ?? Scale;

    /// <summary>A column's encoding.</summary>
    public EncodeKind EncodeFor(string column) => Own(column)?.Encode ?? Encode;

    /// <summary>A column's winsorising quantiles; empty: none.</summary>
    public IReadOnlyList<double> WinsoriseFor(string column) => Own(column)?.Winsorise ?? Winsorise;

    /// <inheritdoc/>
    public void Check(DeclaredNode.Map at, ProblemList problems)
    {
        ColumnSection.CheckQuantiles(at["winsorise"], Winsorise, problems);
        if (Missing == MissingPolicy.Constant) problems.Add(Messages.Problem("constant-for-all", at["missing"]!.Place));
        if (Selection is not null && Statistics == StatisticsFrom.Site) problems.Add(Messages.Problem("selection-by-site", at["selection"]!.Place));
    }

    private ColumnSection? Own(string column) => Columns.TryGetValue(column, out var own) ? own : null;
}

/// <summary>Settings of one column; what is not given is as for all.</summary>
[Doc("Settings of one column; what is not given is as for all.")]
public sealed record ColumnSection : ICheckedDeclaration
{
    /// <summary>What stands for missing values.</summary>
    [Doc("What stands for a missing value.")]
    public MissingPolicy? Missing { get; init; }

    /// <summary>The value for <c>missing: constant</c>.</summary>
    [Doc("The value for missing: constant, as it would stand in the source.")]
    public string? Constant { get; init; }

    /// <summary>Whether a 0/1 column says where a value was missing.</summary>
    [Doc("Whether a 0/1 column says where a value was missing.")]
    public bool? Indicator { get; init; }

    /// <summary>How the number is scaled.</summary>
    [Doc("How the number is scaled.")]
    public ScaleKind? Scale { get; init; }

    /// <summary>How the category is encoded.</summary>
    [Doc("How the category is encoded.")]
    public EncodeKind? Encode { get; init; }

    /// <summary>Quantiles beyond which the number is pulled in; an empty list: none.</summary>
    [Doc("Quantiles beyond which the number is pulled in; an empty list: none.")]
    public IReadOnlyList<double>? Winsorise { get; init; }

    /// <inheritdoc/>
    public void Check(DeclaredNode.Map at, ProblemList problems)
    {
        CheckQuantiles(at["winsorise"], Winsorise ?? [], problems);
        if ((Missing == MissingPolicy.Constant) != (Constant is not null)) problems.Add(Messages.Problem("constant-alone", at.Place));
    }

    internal static void CheckQuantiles(DeclaredNode? node, IReadOnlyList<double> quantiles, ProblemList problems)
    {
        if (node is null || quantiles.Count == 0) return;
        if (quantiles.Count != 2 || !(quantiles[0] >= 0 && quantiles[0] < quantiles[1] && quantiles[1] <= 1)) problems.Add(Messages.Problem("winsorise-form", node.Place));
    }
}

/// <summary>How much a column tells.</summary>
[Doc("How much a column tells.")]
public enum SelectionKind
{
    /// <summary>Squared correlation with the label; for classes and categories the correlation ratio (share of variance explained).</summary>
    Correlation,

    /// <summary>Mutual information with the label, in nats.</summary>
    MutualInformation,

    /// <summary>Variance over that of the widest spread the range allows; of a category Gini's impurity.</summary>
    Variance,
}

/// <summary>Feature selection on shared statistics: whole source columns are kept or dropped, so that a category's values stay together.</summary>
[Doc("Keeps the columns that tell most; a category is kept or dropped as a whole.")]
public sealed record SelectionSection : ICheckedDeclaration
{
    /// <summary>How columns are scored.</summary>
    [Doc("correlation (default), mutual-information or variance.")]
    public SelectionKind By { get; init; }

    /// <summary>How many columns are kept.</summary>
    [Doc("How many columns are kept."), Within(1, 1_000_000)]
    public int? Keep { get; init; }

    /// <summary>Columns that score less are dropped.</summary>
    [Doc("Columns that score less are dropped."), Within(0, 1000)]
    public double? Minimum { get; init; }

    /// <inheritdoc/>
    public void Check(DeclaredNode.Map at, ProblemList problems)
    {
        if (Keep is null && Minimum is null) problems.Add(Messages.Problem("selection-empty", at.Place));
    }
}
