using Comity.Data.Series;
using Comity.Declarations;

namespace Comity.Data.Contracts;

/// <summary>What every site's records must look like: the study's <c>contract</c>.</summary>
[Doc("What every site's records must look like; checked before anything is trained.")]
public sealed record ContractSection : ICheckedDeclaration
{
    /// <summary>The column to be predicted.</summary>
    [Doc("The column to be predicted.")]
    public required LabelSection Label { get; init; }

    /// <summary>The columns that models may learn from.</summary>
    [Doc("The columns that models may learn from."), AtLeast(1)]
    public required IReadOnlyList<FeatureSection> Features { get; init; }

    /// <summary>Where rows are steps of a series: how records are cut out of it.</summary>
    [Doc("Where rows are steps of a series in time: how records are cut out of it.")]
    public SeriesSection? Series { get; init; }

    /// <summary>Columns whose groups are judged apart (fairness); they need not be features.</summary>
    [Doc("Columns whose groups are judged apart (fairness); they need not be features.")]
    public IReadOnlyList<SensitiveSection> Sensitive { get; init; } = [];

    /// <summary>Columns that identify a person; never read, and never a feature.</summary>
    [Doc("Columns that identify a person: never read, and never a feature.")]
    public IReadOnlyList<string> Identifier { get; init; } = [];

    /// <summary>Texts that mean 'not known' in every column.</summary>
    [Doc("Texts that mean 'not known' in every column, such as [\"?\", NA]; an empty cell always does.")]
    public IReadOnlyList<string> Missing { get; init; } = [];

    /// <inheritdoc/>
    public void Check(DeclaredNode.Map at, ProblemList problems)
    {
        var features = at["features"]!;
        foreach (var twice in Features.Select((feature, index) => (feature.Column, index)).GroupBy(f => f.Column).Where(g => g.Count() > 1))
            problems.Add(Messages.Problem("column-twice", Item(features, twice.Last().index), twice.Key));
        for (var i = 0; i < Features.Count; i++)
        {
            var place = Item(features, i);
            if (Features[i].Column.Length == 0) problems.Add(Messages.Problem("column-empty", place));
            if (Features[i].Column == Label.Column && Series is not { Horizon: > 0 } && !Label.IsText) problems.Add(Messages.Problem("label-is-feature", place, Label.Column));
            if (Identifier.Contains(Features[i].Column)) problems.Add(Messages.Problem("identifier-is-feature", place, Features[i].Column));
        }
        // A text that is its own label is all that a record holds.
        if (Label.IsText && (Features.Count != 1 || Features[0].Tokens is null || Features[0].Column != Label.Column))
            problems.Add(Messages.Problem("text-alone", features.Place, Features.FirstOrDefault(f => f.Tokens is not null)?.Column ?? Label.Column, Features.Count));
        if (Label.IsText && Features is [{ Tokenizer: Tokenizer.Words } words]) problems.Add(Messages.Problem("text-of-words", Item(features, 0), words.Column));
        if (Label.IsTags && Features is not [{ Tokens: not null, Tokenizer: Tokenizer.Words }])
            problems.Add(Messages.Problem("tags-of-words", features.Place, Label.Column, Features.Count));
        if (Series is not null && Features.FirstOrDefault(f => f.IsContent || f.Tokens is not null) is { } content) problems.Add(Messages.Problem("series-content", at["series"]!.Place, content.Column));
        if (Series is not null && Identifier.Contains(Series.Order)) problems.Add(Messages.Problem("identifier-is-split", at["series"]!.Place, Series.Order));
        if (Identifier.Contains(Label.Column)) problems.Add(Messages.Problem("identifier-is-label", at["identifier"]!.Place, Label.Column));
        for (var i = 0; i < Sensitive.Count; i++)
        {
            var (place, column) = (Item(at["sensitive"]!, i), Sensitive[i].Column);
            if (Identifier.Contains(column)) problems.Add(Messages.Problem("identifier-is-sensitive", place, column));
            if (column == Label.Column) problems.Add(Messages.Problem("label-is-sensitive", place, column));
            if (Sensitive.Take(i).Any(s => s.Column == column)) problems.Add(Messages.Problem("column-twice", place, column));
            var feature = Features.FirstOrDefault(f => f.Column == column);
            if (Sensitive[i].Cuts.Count > 0 && feature is not (null or { Kind: FeatureKind.Number }))
                problems.Add(Messages.Problem("cuts-of-category", place, column));
            if (Sensitive[i].Cuts.Count == 0 && feature is { Kind: FeatureKind.Number or FeatureKind.Date or FeatureKind.Text or FeatureKind.Image or FeatureKind.Audio })
                problems.Add(Messages.Problem("sensitive-without-groups", place, column));
        }
    }

    private static Place Item(DeclaredNode node, int index) => node is DeclaredNode.List list && index < list.Items.Count ? list.Items[index].Place : node.Place;
}
