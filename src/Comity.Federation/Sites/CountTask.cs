namespace Comity.Federation.Sites;

/// <summary>Asks a site to judge a model in numbers that add up over sites: counts of its rows, and sums over them.</summary>
/// <param name="Judged">Which model, on which rows.</param>
/// <param name="CountsOnly">Whether only counts are wanted, of which a row falls into one: what noise can hide it in.</param>
public sealed record CountTask(EvaluationTask Judged, bool CountsOnly)
{
    /// <summary>Whether only names and lengths of the parts are asked for, with zeros for numbers. Asked of sites elsewhere only.</summary>
    public bool FormOnly { get; init; }

    /// <summary>What tells it from all others of a repeat.</summary>
    public string Id => $"judging/{Judged.Model}/{(Judged.Split == RowSplit.Test ? "test" : "validation")}";
}
