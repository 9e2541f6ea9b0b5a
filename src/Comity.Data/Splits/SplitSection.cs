using Comity.Declarations;

namespace Comity.Data.Splits;

/// <summary>How a site's rows are parted into training, validation and test: the study's <c>split</c>.</summary>
/// <remarks>At most one of <c>kfold</c>, <c>time</c>, <c>order</c>, <c>column</c> and <c>file</c>; without them a seeded, stratified fraction.</remarks>
[Doc("How each site's rows are parted into training, validation and test rows.")]
public sealed record SplitSection : ICheckedDeclaration
{
    /// <summary>Share of rows held out for judging.</summary>
    [Doc("Share of rows held out for judging; default 0.25."), Within(0, 1, AboveLow = true, BelowHigh = true)]
    public double? Test { get; init; }

    /// <summary>Share of the training part kept for choices.</summary>
    [Doc("Share of the training part kept for choices (early stopping, the recommended federation); default 0."), Within(0, 1, BelowHigh = true)]
    public double Validation { get; init; }

    /// <summary>What stays in proportion: <c>label</c>, and columns besides.</summary>
    [Doc("What stays in proportion in every part: 'label' (default for classes), columns, or 'none'.")]
    public IReadOnlyList<string> Stratify { get; init; } = [];

    /// <summary>Folds: repeat r holds out fold r mod k.</summary>
    [Doc("k folds: repeat r holds out fold r mod k, so that repeats: k tests each row once."), Within(2, 1000)]
    public int? Kfold { get; init; }

    /// <summary>Column of a time or number: the latest rows are the test.</summary>
    [Doc("A date or number column: the latest rows are the test rows, the latest of the rest validation.")]
    public string? Time { get; init; }

    /// <summary>Rows stand in an order, and the last ones are the test.</summary>
    [Doc("Rows stand in the order of the source, as pieces of a text do: the last are the test rows, the last of the rest validation.")]
    public bool Order { get; init; }

    /// <summary>A column whose value says the part.</summary>
    [Doc("A column whose value says to which part a row belongs.")]
    public SplitColumnSection? Column { get; init; }

    /// <summary>The source's <c>testCsv</c> holds the test rows.</summary>
    [Doc("The rows of the source's testCsv are the test rows.")]
    public bool File { get; init; }

    /// <summary>Share of test rows, by default a quarter.</summary>
    public double TestShare => Test ?? 0.25;

    /// <summary>Columns that a split needs besides the features.</summary>
    public IEnumerable<string> NeededColumns =>
        Stratify.Where(s => s is not ("label" or "none")).Concat(Column is null ? [] : [Column.Name]);

    /// <inheritdoc/>
    public void Check(DeclaredNode.Map at, ProblemList problems)
    {
        var ways = new[] { Kfold is not null, Time is not null, Column is not null, File, Order }.Count(w => w);
        if (ways > 1) problems.Add(Messages.Problem("split-ways", at.Place, ways));
        if (Test is not null && (Kfold is not null || Column is not null || File))
            problems.Add(Messages.Problem("split-test-unused", at["test"]!.Place));
        if (Stratify.Contains("none") && Stratify.Count > 1) problems.Add(Messages.Problem("split-stratify-none", at["stratify"]!.Place));
        if (Stratify.Count > 0 && (Time is not null || Order)) problems.Add(Messages.Problem("split-stratify-time", at["stratify"]!.Place));
    }
}

/// <summary>Parts by a column's value: <c>{ name: cohort, test: [2024], validation: [2023] }</c>.</summary>
[Doc("Parts by a column's value; rows with any other value are training rows.")]
public sealed record SplitColumnSection : ICheckedDeclaration
{
    /// <summary>The column.</summary>
    [Doc("The column; it need not be a feature.")]
    public required string Name { get; init; }

    /// <summary>Values of test rows.</summary>
    [Doc("Values of test rows."), AtLeast(1)]
    public required IReadOnlyList<string> Test { get; init; }

    /// <summary>Values of validation rows.</summary>
    [Doc("Values of validation rows.")]
    public IReadOnlyList<string> Validation { get; init; } = [];

    /// <inheritdoc/>
    public void Check(DeclaredNode.Map at, ProblemList problems)
    {
        foreach (var both in Test.Intersect(Validation)) problems.Add(Messages.Problem("value-twice", at["validation"]!.Place, both, Name));
    }
}
