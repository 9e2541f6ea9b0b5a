namespace Comity.Serving.Releases;

/// <summary>What the study declared of its records to the laws of their markets: who lets a release into another market needs it.</summary>
/// <param name="Sensitive">Kinds of records that laws treat apart, such as <c>health</c>.</param>
/// <param name="Anonymous">Whether the records were anonymous, with evidence.</param>
/// <param name="Individuals">Individuals behind the records by market, as its law counts them.</param>
/// <param name="Covered">Flows between markets that a document covers.</param>
public sealed record ReleasePolicy(IReadOnlyList<string> Sensitive, bool Anonymous, IReadOnlyDictionary<string, long> Individuals, IReadOnlyList<ReleaseCover> Covered);

/// <summary>A document that covers flows between two markets.</summary>
/// <param name="From">Market that they leave; <c>*</c>: all.</param>
/// <param name="To">Market that they reach; <c>*</c>: all.</param>
/// <param name="Flows">What flows; empty: everything.</param>
/// <param name="Conditions">Conditions that it meets.</param>
/// <param name="By">The document.</param>
public sealed record ReleaseCover(string From, string To, IReadOnlyList<string> Flows, IReadOnlyList<string> Conditions, string By);
