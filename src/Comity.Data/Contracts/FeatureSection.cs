using Comity.Declarations;

namespace Comity.Data.Contracts;

/// <summary>One column that a model may learn from: <c>contract.features[]</c>.</summary>
[Doc("A column that a model may learn from.")]
public sealed record FeatureSection : ICheckedDeclaration
{
    /// <summary>Name of the column in every site's source.</summary>
    [Doc("Name of the column in every site's source.")]
    public required string Column { get; init; }

    /// <summary>What it holds.</summary>
    [Doc("What it holds: number, category, ordinal, boolean, text or date.")]
    public FeatureKind Kind { get; init; }

    /// <summary>Bounds of a number.</summary>
    [Doc("Bounds of a number, both included, such as [18, 120].")]
    public ValueRange? Range { get; init; }

    /// <summary>Unit, for people.</summary>
    [Doc("Unit of a number, for people, such as mm Hg.")]
    public string? Unit { get; init; }

    /// <summary>Values of a category, of an ordinal in order, or of a boolean (false, true).</summary>
    [Doc("Values of a category; of an ordinal in their order; of a boolean: false, true. A category without values takes the union of all sites.")]
    public IReadOnlyList<string> Values { get; init; } = [];

    /// <summary>Texts that mean 'not known', besides the contract's own and an empty cell.</summary>
    [Doc("Texts that mean 'not known' in this column, such as [0, \"?\"]; an empty cell always does.")]
    public IReadOnlyList<string> Missing { get; init; } = [];

    /// <summary>Form of a date (.NET custom format), where it is not ISO 8601.</summary>
    [Doc("Form of a date where it is not ISO 8601, such as dd/MM/yyyy.")]
    public string? Format { get; init; }

    /// <summary>What of a date enters the model.</summary>
    [Doc("What of a date enters the model; default month and weekday.")]
    public IReadOnlyList<DatePart> Parts { get; init; } = [];

    /// <inheritdoc/>
    public void Check(DeclaredNode.Map at, ProblemList problems)
    {
        if (Range is not null && Kind != FeatureKind.Number) problems.Add(Misplaced(at, "range", FeatureKind.Number));
        if (Unit is not null && Kind != FeatureKind.Number) problems.Add(Misplaced(at, "unit", FeatureKind.Number));
        if (Format is not null && Kind != FeatureKind.Date) problems.Add(Misplaced(at, "format", FeatureKind.Date));
        if (Parts.Count > 0 && Kind != FeatureKind.Date) problems.Add(Misplaced(at, "parts", FeatureKind.Date));
        if (Values.Count > 0 && Kind is FeatureKind.Number or FeatureKind.Date or FeatureKind.Text) problems.Add(Misplaced(at, "values", FeatureKind.Category));
        if (Kind == FeatureKind.Ordinal && Values.Count < 2)
            problems.Add(Messages.Problem("ordinal-without-values", at.Place, Column, Values.Count));
        if (Kind == FeatureKind.Category && Values.Count == 1)
            problems.Add(Messages.Problem("category-one-value", at["values"]!.Place, Column));
        if (Kind == FeatureKind.Boolean && Values.Count is not (0 or 2))
            problems.Add(Messages.Problem("boolean-values", at["values"]!.Place, Column, Values.Count));
        foreach (var twice in Values.GroupBy(Level.Canonical).Where(g => g.Count() > 1))
            problems.Add(Messages.Problem("value-twice", at["values"]!.Place, twice.Key, Column));
        foreach (var both in Values.Select(Level.Canonical).Intersect(Missing.Select(Level.Canonical)))
            problems.Add(Messages.Problem("value-missing-too", at["missing"]!.Place, both, Column));
    }

    private Problem Misplaced(DeclaredNode.Map at, string key, FeatureKind wanted) =>
        Messages.Problem("key-of-other-kind", at[key]!.Place, key, Kind.ToString().ToLowerInvariant(), wanted.ToString().ToLowerInvariant());
}
