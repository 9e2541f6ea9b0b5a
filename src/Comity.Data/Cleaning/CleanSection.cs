using Comity.Declarations;

namespace Comity.Data.Cleaning;

/// <summary>What happens to a number outside the contract's range.</summary>
[Doc("What happens to a number outside the contract's range.")]
public enum OutOfRange
{
    /// <summary>The site is refused until its data are put right.</summary>
    Error,

    /// <summary>The value counts as missing.</summary>
    Missing,

    /// <summary>The nearest bound stands for it.</summary>
    Clip,

    /// <summary>The row is left out.</summary>
    DropRow,
}

/// <summary>What happens to exact duplicates of a row within a site.</summary>
[Doc("What happens to exact duplicates of a row within a site.")]
public enum Duplicates
{
    /// <summary>They stay, and a warning counts them.</summary>
    Report,

    /// <summary>They stay without a word.</summary>
    Keep,

    /// <summary>All but the first are left out.</summary>
    Drop,
}

/// <summary>What happens to a record whose file can't be decoded.</summary>
[Doc("What happens to a record whose file can't be decoded.")]
public enum Corrupt
{
    /// <summary>The site is refused until its files are put right.</summary>
    Error,

    /// <summary>The record is left out, and a warning names the file.</summary>
    DropRow,
}

/// <summary>How records are cleaned at the site before anything is counted: the study's <c>clean</c>.</summary>
[Doc("How records are cleaned at each site before anything is counted.")]
public sealed record CleanSection : ICheckedDeclaration
{
    /// <summary>What happens to a number outside its range.</summary>
    [Doc("What happens to a number outside the contract's range: error (default), missing, clip or drop-row.")]
    public OutOfRange OutOfRange { get; init; }

    /// <summary>Another rule for some columns.</summary>
    [Doc("Another rule for some columns: { chol: missing }.")]
    public IReadOnlyDictionary<string, OutOfRange> OutOfRangeColumns { get; init; } = new Dictionary<string, OutOfRange>();

    /// <summary>What happens to exact duplicates (all features and the label equal).</summary>
    [Doc("What happens to exact duplicates (all features and the label equal): report (default), keep or drop.")]
    public Duplicates Duplicates { get; init; }

    /// <summary>What happens to a record whose image or sound can't be decoded.</summary>
    [Doc("What happens to a record whose image or sound can't be decoded: error (default) or drop-row. Every such file is named, with the byte at which it breaks.")]
    public Corrupt Corrupt { get; init; }

    /// <summary>Smoothing of ordered rows.</summary>
    [Doc("Smoothing of number columns over rows in order.")]
    public IReadOnlyList<SmoothingSection> Smoothing { get; init; } = [];

    /// <summary>Lists suspicious labels for the site's owner.</summary>
    [Doc("Finds suspicious labels by training the study's model out of fold at each site: comity data describe lists them, comity check counts them; a run writes nothing of it.")]
    public LabelAuditSection? LabelAudit { get; init; }

    /// <summary>The rule for a column.</summary>
    public OutOfRange OutOfRangeFor(string column) => OutOfRangeColumns.TryGetValue(column, out var own) ? own : OutOfRange;

    /// <inheritdoc/>
    public void Check(DeclaredNode.Map at, ProblemList problems)
    {
        foreach (var twice in Smoothing.SelectMany(s => s.Columns).GroupBy(c => c).Where(g => g.Count() > 1))
            problems.Add(Messages.Problem("column-twice", at["smoothing"]!.Place, twice.Key));
    }
}

/// <summary>How a value is smoothed with those before it.</summary>
public enum SmoothingKind
{
    /// <summary>Mean of the window.</summary>
    MovingAverage,

    /// <summary>Median of the window, which single spikes can't move.</summary>
    MovingMedian,
}

/// <summary>Smoothing of ordered rows: <c>{ columns: [pm25], by: moving-median, window: 5, order: time }</c>.</summary>
[Doc("Replaces each value by the mean or median of a window that ends with it; later rows are never looked at.")]
public sealed record SmoothingSection
{
    /// <summary>Number columns to smooth.</summary>
    [Doc("Number columns to smooth."), AtLeast(1)]
    public required IReadOnlyList<string> Columns { get; init; }

    /// <summary>Mean or median.</summary>
    [Doc("moving-average or moving-median.")]
    public SmoothingKind By { get; init; }

    /// <summary>Rows in the window, the current one included.</summary>
    [Doc("Rows in the window, the current one included."), Within(2, 10_000)]
    public int Window { get; init; } = 5;

    /// <summary>Column that gives the order (a number or a date); null: the source's order.</summary>
    [Doc("Column that gives the order (a number or a date); without it the source's order.")]
    public string? Order { get; init; }
}

/// <summary>Settings of the audit of labels.</summary>
[Doc("Settings of the audit of labels.")]
public sealed record LabelAuditSection
{
    /// <summary>Folds of the cross-validation that gives the confidences.</summary>
    [Doc("Folds of the cross-validation that gives the confidences."), Within(2, 20)]
    public int Folds { get; init; } = 5;

    /// <summary>Most rows listed.</summary>
    [Doc("Most rows listed."), Within(1, 100_000)]
    public int List { get; init; } = 50;
}
