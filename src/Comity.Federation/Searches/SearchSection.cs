using Comity.Declarations;

namespace Comity.Federation.Searches;

/// <summary>Settings to try: every combination is trained, and the best on validation rows is taken.</summary>
/// <remarks>
/// Each repeat chooses for itself, on its own validation rows: a row that is a test row in one repeat may be a validation row in
/// another, and must not choose there what it judges here (Varma and Simon 2006, doi:10.1186/1471-2105-7-91).
/// </remarks>
[Doc("Settings to try. Every combination is trained; the best on validation rows is then trained under the model's own name, in each repeat anew.")]
public sealed record SearchSection : ICheckedDeclaration
{
    /// <summary>Most combinations of one search.</summary>
    public const int MostSettings = 256;

    /// <summary>Values to try by key.</summary>
    [Doc("Values to try by key, such as training.optimizer.learningRate: [0.001, 0.01]. Keys start with training; in a federation with strategy or localEpochs too.")]
    public required IReadOnlyDictionary<string, DeclaredNode> Values { get; init; }

    /// <summary>Rounds of a trial; null: as many as the federation has.</summary>
    [Doc("Rounds of a trial; by default as many as the federation has. In a federation only."), Within(1, 1_000_000)]
    public int? Rounds { get; init; }

    /// <summary>Metric that decides; null: the study's primary one.</summary>
    [Doc("Metric that decides, on validation rows; by default the study's primary one. The log loss decides between equals.")]
    public string? Metric { get; init; }

    /// <summary>Whose validation rows decide in a federation.</summary>
    [Doc("Whose validation rows decide in a federation: union (all rows together, where somebody holds them, as a simulation does; else as sites) or sites (each site's value, weighted by its rows). Over a network it is always sites; say so for a simulation that is to choose alike.")]
    public SearchJudges JudgedBy { get; init; }

    /// <summary>Combinations.</summary>
    public int Settings => SearchSpace.Of(this).Count;

    void ICheckedDeclaration.Check(DeclaredNode.Map at, ProblemList problems)
    {
        var place = at["values"]!.Place;
        if (Values.Count == 0) problems.Add(Messages.Problem("search-empty", place));
        long settings = 1;
        foreach (var (key, value) in Values)
        {
            if (value is not DeclaredNode.List { Items.Count: > 1 } list)
            {
                problems.Add(Messages.Problem("search-values", value.Place, key));
                continue;
            }
            foreach (var item in list.Items.Where(i => i is not DeclaredNode.Scalar)) problems.Add(Messages.Problem("search-scalar", item.Place, key));
            settings = Math.Min(int.MaxValue, settings * list.Items.Count);
        }
        if (settings > MostSettings) problems.Add(Messages.Problem("search-too-many", place, settings, MostSettings));
    }
}

/// <summary>Whose validation rows decide.</summary>
public enum SearchJudges
{
    /// <summary>All rows together, where somebody holds them; else the sites'.</summary>
    Union,

    /// <summary>Each site's value, weighted by its rows.</summary>
    Sites,
}
