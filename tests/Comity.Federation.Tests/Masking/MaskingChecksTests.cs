using Comity.Declarations;
using Comity.Federation.Studies;

namespace Comity.Federation.Tests.Masking;

public sealed class MaskingChecksTests
{
    [Theory]
    [InlineData("masks-need-a-sum", 5, "federation: { rounds: 1, strategy: median }")]
    [InlineData("masks-need-a-sum", 5, "federation: { rounds: 1, strategy: trimmed-mean }")]
    [InlineData("masks-need-a-sum", 5, "federation: { rounds: 1, strategy: { kind: krum, faulty: 1 } }")]
    [InlineData("masks-need-a-sum", 5, "federation: { rounds: 1, strategy: { kind: multi-krum, faulty: 1 } }")]
    [InlineData("masks-need-a-sum", 5, "federation: { rounds: 1, strategy: geometric-median }")]
    [InlineData("masks-need-counts", 5, "federation: { rounds: 1, strategy: fednova }")]
    [InlineData("masks-hide-norms", 5, "federation: { rounds: 1, gate: { maxNorm: 3 } }")]
    [InlineData("masks-too-few-sites", 2, "federation: { rounds: 1 }")]
    [InlineData("masks-too-few-sites", 5, "federation: { rounds: 1, cohort: 2 }")]
    [InlineData("masks-quorum", 5, "federation: { rounds: 1, quorum: 2 }")]
    [InlineData("masks-own-models", 4, "federation: { rounds: 1 }\ncombined: { by: average }\narms: [federated, combined]")]
    [InlineData("masks-nothing", 4, "arms: [local]")]
    public void What_does_not_go_together_with_masks_is_refused_with_reason_and_alternative(string code, int sites, string rest)
    {
        var problem = Assert.Single(Problems(rest + "\nprivacy: { secureAggregation: true }", sites));
        Assert.Equal(code, problem.Code);
        foreach (var culture in new[] { "en", "zh-Hans" }) Assert.NotEmpty(problem.Remedy(System.Globalization.CultureInfo.GetCultureInfo(culture)));
        Assert.DoesNotContain(Problems(rest + "\nprivacy: { secureAggregation: false }", sites), p => p.Code.StartsWith("masks", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("{ resolution: 1e-9 }")]
    [InlineData("{ clip: 1000000, resolution: 0.0001 }")]
    public void A_modulus_in_which_a_sum_could_wrap_is_refused_and_what_would_fit_is_named(string section)
    {
        var problem = Assert.Single(Problems($"federation: {{ rounds: 1 }}\nprivacy: {{ secureAggregation: {section} }}", 4));
        Assert.Equal("masks-wrap", problem.Code);
        Assert.Contains("fits", problem.Found(System.Globalization.CultureInfo.InvariantCulture), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("lying-coordinator", 4, 5)]
    [InlineData("semi-honest", 3, 5)]
    public void Against_a_lying_coordinator_more_than_two_thirds_must_stay(string adversary, int least, int sites)
    {
        string Study(int quorum) => $"federation: {{ rounds: 1, quorum: {quorum} }}\nprivacy: {{ secureAggregation: {{ adversary: {adversary} }} }}";
        Assert.Equal("masks-quorum", Assert.Single(Problems(Study(least - 1), sites)).Code);
        Assert.Empty(Problems(Study(least), sites));
    }

    private static ProblemList Problems(string rest, int sites)
    {
        var list = string.Join(", ", Enumerable.Range(0, sites).Select(i => $"{{ id: s{i}, market: us }}"));
        var text = $"study: t\ncontract: {{}}\nmodel: linear\nmarkets: [{{ id: us, jurisdiction: US }}]\nsites: [{list}]\n{rest}\n";
        var problems = new ProblemList();
        SectionReader.Read<StudySection>(DeclaredFile.Parse(text, "study.yaml", problems)!, problems);
        return problems;
    }
}
