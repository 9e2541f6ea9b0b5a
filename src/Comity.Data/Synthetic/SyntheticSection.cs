using Comity.Data.Contracts;
using Comity.Declarations;

namespace Comity.Data.Synthetic;

/// <summary>Made-up records for an example or a benchmark: the study's <c>synthetic</c>. Files that exist are never touched.</summary>
[Doc("Makes the CSV files that are missing from a seeded, documented law. Each record's identifier says that it is synthetic.")]
public sealed record SyntheticSection : ICheckedDeclaration
{
    /// <summary>Seed of all files; each file has its own stream, so adding one changes no other.</summary>
    [Doc("Seed of all files.")]
    public ulong Seed { get; init; }

    /// <summary>Name of the column that numbers the records <c>synthetic-1</c>, <c>synthetic-2</c>…</summary>
    [Doc("Name of the column that marks each record as synthetic; declare it under contract.identifier.")]
    public string Identifier { get; init; } = "record";

    /// <summary>The columns.</summary>
    [Doc("The columns."), AtLeast(1)]
    public required IReadOnlyList<SyntheticFeature> Features { get; init; }

    /// <summary>The label.</summary>
    [Doc("The label.")]
    public required SyntheticLabel Label { get; init; }

    /// <summary>What the label depends on at every site.</summary>
    [Doc("What the label depends on, in every file.")]
    public IReadOnlyList<SyntheticEffect> Effects { get; init; } = [];

    /// <summary>The files.</summary>
    [Doc("The files."), AtLeast(1)]
    public required IReadOnlyList<SyntheticFile> Files { get; init; }

    /// <inheritdoc/>
    public void Check(DeclaredNode.Map at, ProblemList problems)
    {
        foreach (var twice in Features.Select(f => f.Column).Append(Label.Column).Append(Identifier).GroupBy(c => c).Where(g => g.Count() > 1))
            problems.Add(Messages.Problem("column-twice", at["features"]!.Place, twice.Key));
        foreach (var twice in Files.GroupBy(f => f.File).Where(g => g.Count() > 1))
            problems.Add(Messages.Problem("synthetic-file-twice", at["files"]!.Place, twice.Key));
        CheckEffects(at["effects"], Effects, problems);
        for (var i = 0; i < Files.Count; i++)
        {
            var node = at["files"] is DeclaredNode.List list ? list.Items[i] : at["files"]!;
            CheckEffects((node as DeclaredNode.Map)?["effects"], Files[i].Effects, problems);
            foreach (var column in Files[i].Shift.Keys.Concat(Files[i].Measured.Keys)) CheckNumber(node.Place, column, problems);
        }
    }

    private void CheckEffects(DeclaredNode? node, IReadOnlyList<SyntheticEffect> effects, ProblemList problems)
    {
        for (var i = 0; i < effects.Count; i++)
        {
            var place = node is DeclaredNode.List list ? list.Items[i].Place : node!.Place;
            foreach (var column in effects[i].Columns)
            {
                if (effects[i].Value is not { } value) CheckNumber(place, column, problems);
                else if (!Features.Any(f => f.Column == column && f.Values.Contains(value))) problems.Add(Messages.Problem("synthetic-value", place, column, value));
            }
        }
    }

    private void CheckNumber(Place place, string column, ProblemList problems)
    {
        var numbers = Features.Where(f => f.Values.Count == 0).Select(f => f.Column).ToArray();
        if (!numbers.Contains(column))
            problems.Add(Messages.Problem("feature-unknown", place, column, string.Join(", ", numbers), Spelling.Nearest(column, numbers) ?? "–"));
    }
}

/// <summary>A column of made-up records: a number (normal, cut to its range) or, with values, a category.</summary>
[Doc("A made-up column: a number with mean and deviation, or a category with values.")]
public sealed record SyntheticFeature : ICheckedDeclaration
{
    /// <summary>Name.</summary>
    [Doc("Name of the column.")]
    public required string Column { get; init; }

    /// <summary>Mean of a number.</summary>
    [Doc("Mean of a number.")]
    public double Mean { get; init; }

    /// <summary>Standard deviation of a number.</summary>
    [Doc("Standard deviation of a number."), Within(0, double.MaxValue, AboveLow = true)]
    public double Deviation { get; init; } = 1;

    /// <summary>Bounds of a number.</summary>
    [Doc("Bounds that a number is cut to.")]
    public ValueRange? Range { get; init; }

    /// <summary>Decimals written.</summary>
    [Doc("Decimals written; default 1."), Within(0, 9)]
    public int Decimals { get; init; } = 1;

    /// <summary>Values of a category.</summary>
    [Doc("Values of a category.")]
    public IReadOnlyList<string> Values { get; init; } = [];

    /// <summary>Relative frequencies of the values; empty: equal.</summary>
    [Doc("Relative frequencies of the values; equal where not given.")]
    public IReadOnlyList<double> Shares { get; init; } = [];

    /// <summary>Share of cells left empty.</summary>
    [Doc("Share of cells left empty, completely at random."), Within(0, 1, BelowHigh = true)]
    public double Missing { get; init; }

    /// <inheritdoc/>
    public void Check(DeclaredNode.Map at, ProblemList problems)
    {
        if (Shares.Count > 0 && (Shares.Count != Values.Count || Shares.Any(s => s < 0) || !(Shares.Sum() > 0)))
            problems.Add(Messages.Problem("synthetic-shares", at["shares"]!.Place, Column, Values.Count));
    }
}

/// <summary>The label of made-up records.</summary>
[Doc("The label: two classes drawn with the law's probability, or the law's value with noise.")]
public sealed record SyntheticLabel : ICheckedDeclaration
{
    /// <summary>Name.</summary>
    [Doc("Name of the column.")]
    public required string Column { get; init; }

    /// <summary>Negative and positive value; empty: a number.</summary>
    [Doc("The negative and the positive value; without them the label is a number.")]
    public IReadOnlyList<string> Values { get; init; } = [];

    /// <summary>Standard deviation of the noise on a numeric label.</summary>
    [Doc("Standard deviation of the noise on a numeric label."), Within(0, double.MaxValue)]
    public double Noise { get; init; } = 1;

    /// <inheritdoc/>
    public void Check(DeclaredNode.Map at, ProblemList problems)
    {
        if (Values.Count is not (0 or 2)) problems.Add(Messages.Problem("synthetic-label", at["values"]!.Place, Values.Count));
    }
}

/// <summary>Form of an effect, on z = (x − mean) / deviation.</summary>
[Doc("Form of an effect on z = (x - mean) / deviation.")]
public enum SyntheticShape
{
    /// <summary>weight · z</summary>
    Linear,

    /// <summary>weight · (z² − 1)</summary>
    Square,

    /// <summary>weight · z₁ · z₂</summary>
    Product,

    /// <summary>weight · sin(πz)</summary>
    Wave,
}

/// <summary>One term of the law.</summary>
[Doc("One term of the law: a weight times a shape of a number, or a weight where a category has a value.")]
public sealed record SyntheticEffect : ICheckedDeclaration
{
    /// <summary>The column; two for a product.</summary>
    [Doc("The column; two for a product."), AtLeast(1)]
    public required IReadOnlyList<string> Columns { get; init; }

    /// <summary>Log odds (or units of a numeric label) that the term is worth.</summary>
    [Doc("Log odds (or units of a numeric label) that the term is worth.")]
    public required double Weight { get; init; }

    /// <summary>Shape on a number.</summary>
    [Doc("linear (default), square, product or wave.")]
    public SyntheticShape Shape { get; init; }

    /// <summary>Value of a category that earns the weight.</summary>
    [Doc("Value of a category that earns the weight.")]
    public string? Value { get; init; }

    /// <inheritdoc/>
    public void Check(DeclaredNode.Map at, ProblemList problems)
    {
        var wanted = Shape == SyntheticShape.Product ? 2 : 1;
        if (Columns.Count != wanted) problems.Add(Messages.Problem("synthetic-effect", at["columns"]!.Place, Columns.Count, wanted));
    }
}

/// <summary>One file, or with <c>count</c> several of the same kind.</summary>
[Doc("One file, or with 'count' several of the same kind ('*' in the name is the number).")]
public sealed record SyntheticFile : ICheckedDeclaration
{
    /// <summary>Path relative to the study.</summary>
    [Doc("Path relative to the study file.")]
    public required string File { get; init; }

    /// <summary>How many files; <c>*</c> in the name becomes 0001, 0002…</summary>
    [Doc("How many files; '*' in the name becomes 0001, 0002 and so on."), Within(1, 1_000_000)]
    public int Count { get; init; } = 1;

    /// <summary>Records in a file.</summary>
    [Doc("Records in a file."), Within(1, 100_000_000)]
    public required int Rows { get; init; }

    /// <summary>Expected share of positives; the law's constant is set so.</summary>
    [Doc("Expected share of positives; the law's constant is set so."), Within(0, 1, AboveLow = true, BelowHigh = true)]
    public double Prevalence { get; init; } = 0.5;

    /// <summary>Added to the mean of a number: other people come here.</summary>
    [Doc("Added to the mean of a number, such as { age: 20 }: other people come here.")]
    public IReadOnlyDictionary<string, double> Shift { get; init; } = new Dictionary<string, double>();

    /// <summary>How a number is written here: another device, another unit.</summary>
    [Doc("How a number is measured here, such as { marker: { factor: 1.0, offset: 60 } }: another device or unit.")]
    public IReadOnlyDictionary<string, SyntheticMeasure> Measured { get; init; } = new Dictionary<string, SyntheticMeasure>();

    /// <summary>Terms of the law that hold here only.</summary>
    [Doc("Terms of the law that hold here only.")]
    public IReadOnlyList<SyntheticEffect> Effects { get; init; } = [];

    /// <summary>How much files of one kind differ: standard deviation, in deviations, of each mean, and of the log odds.</summary>
    [Doc("How much files of one kind differ: standard deviation of each mean (in deviations) and of the log odds."), Within(0, 10)]
    public double Vary { get; init; }

    /// <inheritdoc/>
    public void Check(DeclaredNode.Map at, ProblemList problems)
    {
        if (Count > 1 && !File.Contains('*', StringComparison.Ordinal)) problems.Add(Messages.Problem("synthetic-star", at["file"]!.Place, File, Count));
        if (Path.IsPathRooted(File) || File.Split('/', '\\').Contains("..")) problems.Add(Messages.Problem("synthetic-path", at["file"]!.Place, File));
    }
}

/// <summary>An affine measurement: written = factor · true + offset.</summary>
[Doc("An affine measurement: written = factor * true + offset.")]
public sealed record SyntheticMeasure
{
    /// <summary>Factor.</summary>
    [Doc("Factor.")]
    public double Factor { get; init; } = 1;

    /// <summary>Offset.</summary>
    [Doc("Offset.")]
    public double Offset { get; init; }
}
