using Comity.Declarations;

namespace Comity.Federation.Policies;

/// <summary>What the study's author declares about the records, for the laws under which they lie, and which flows are covered by what.</summary>
[Doc("What the laws of the markets need to know of the records, and what covers which flow between markets. With it, the pooled arm runs only where every flow of records is free or covered.")]
public sealed record PolicySection
{
    /// <summary>Kinds of records that laws treat apart.</summary>
    [Doc("Kinds of records that laws treat apart: health, genetic, biometric, location, finance, other.")]
    public IReadOnlyList<SensitiveData> Sensitive { get; init; } = [];

    /// <summary>Whether the records are anonymous, with evidence.</summary>
    [Doc("Whether the records are anonymous, and you can prove it; default false: they count as personal data.")]
    public bool Anonymous { get; init; }

    /// <summary>Individuals behind the records, by market, counted as its law counts (in China since 1 January, in the United States in twelve months).</summary>
    [Doc("Individuals behind the records by market, as its law counts them; where it is missing, the highest band is assumed.")]
    public IReadOnlyDictionary<string, long> Individuals { get; init; } = new Dictionary<string, long>();

    /// <summary>Flows that something covers.</summary>
    [Doc("Flows between markets that are covered, and by which document.")]
    public IReadOnlyList<CoveredFlow> Covered { get; init; } = [];

    /// <summary>Pack files that replace shipped ones, relative to the study.</summary>
    [Doc("Pack files, or folders of them, that replace the shipped ones of the same jurisdiction; relative to the study.")]
    public IReadOnlyList<string> Packs { get; init; } = [];
}

/// <summary>A flow that its parties have covered.</summary>
[Doc("A flow between two markets that a document covers.")]
public sealed record CoveredFlow : ICheckedDeclaration
{
    /// <summary>Market that it leaves.</summary>
    [Doc("Id of the market that it leaves, or * for all.")]
    public required string From { get; init; }

    /// <summary>Market that it reaches.</summary>
    [Doc("Id of the market that it reaches, or * for all.")]
    public required string To { get; init; }

    /// <summary>What flows; empty: everything.</summary>
    [Doc("What flows: records, statistics, updates, model, metrics; without it, everything.")]
    public IReadOnlyList<FlowKind> Flows { get; init; } = [];

    /// <summary>Conditions that the document meets.</summary>
    [Doc("Ids of the conditions that it meets, as comity policy check names them."), AtLeast(1)]
    public required IReadOnlyList<string> Conditions { get; init; }

    /// <summary>The document.</summary>
    [Doc("The document that covers it: what, between whom, of which day.")]
    public required string By { get; init; }

    /// <inheritdoc/>
    public void Check(DeclaredNode.Map at, ProblemList problems)
    {
        if (By is { } by && string.IsNullOrWhiteSpace(by)) problems.Add(Messages.Problem("policy-by-empty", at["by"]!.Place));
    }

    internal bool Fits(FlowKind kind, string from, string to) => (Flows.Count == 0 || Flows.Contains(kind)) && From is var f && (f == "*" || f == from) && (To == "*" || To == to);
}
