using System.Globalization;
using Comity.Declarations;
using Comity.Federation.Studies;

namespace Comity.Federation.Tests.Encodings;

public sealed class EncodingChecksTests
{
    [Theory]
    [InlineData("encoding-under-masks", "federation: { rounds: 1, encoding: { updates: bf16 } }\nprivacy: { secureAggregation: true }")]
    [InlineData("encoding-lengthens", "federation: { rounds: 1, encoding: { updates: fp16 } }\nprivacy: { differentialPrivacy: { unit: site, epsilon: 8, delta: 1e-5, clip: 1 } }")]
    [InlineData("encoding-control-variates", "federations: [{ rounds: 1, strategy: scaffold, encoding: { updates: bf16 } }]")]
    [InlineData("encoding-mostly-zeros", "federation: { rounds: 1, strategy: median, encoding: { updates: top-k } }")]
    [InlineData("encoding-mostly-zeros", "federation: { rounds: 1, strategy: trimmed-mean, encoding: { updates: top-k } }")]
    [InlineData("encoding-mostly-zeros", "federation: { rounds: 1, strategy: { kind: krum, faulty: 1 }, encoding: { updates: top-k } }")]
    [InlineData("encoding-mostly-zeros", "federation: { rounds: 1, strategy: { kind: multi-krum, faulty: 1 }, encoding: { updates: top-k } }")]
    [InlineData("encoding-mostly-zeros", "federation: { rounds: 1, strategy: geometric-median, encoding: { updates: top-k } }")]
    public void What_does_not_go_together_with_an_encoding_is_refused_with_reason_and_alternative(string code, string rest)
    {
        var problem = Assert.Single(Problems(rest));
        Assert.Equal(code, problem.Code);
        foreach (var culture in new[] { "en", "zh-Hans" }) Assert.NotEmpty(problem.Remedy(CultureInfo.GetCultureInfo(culture)));
        Assert.Empty(Problems(rest.Replace("updates: bf16", "updates: float32", StringComparison.Ordinal).Replace("updates: int8", "updates: float32", StringComparison.Ordinal).Replace("updates: top-k", "updates: int8", StringComparison.Ordinal).Replace("updates: fp16", "updates: float32", StringComparison.Ordinal)));
    }

    [Fact]
    public void An_encoding_of_a_later_version_is_refused_with_those_that_this_one_knows()
    {
        var problem = Assert.Single(Problems("federation: { rounds: 1, encoding: { updates: fp4 } }"));
        Assert.Equal("unknown-choice", problem.Code);
        Assert.Contains("bf16", problem.Expected(CultureInfo.InvariantCulture), StringComparison.Ordinal);
    }

    private static ProblemList Problems(string rest)
    {
        var list = string.Join(", ", Enumerable.Range(0, 5).Select(i => $"{{ id: s{i}, market: us }}"));
        var problems = new ProblemList();
        SectionReader.Read<StudySection>(DeclaredFile.Parse($"study: t\ncontract: {{}}\nmodel: linear\nmarkets: [{{ id: us, jurisdiction: US }}]\nsites: [{list}]\n{rest}\n", "study.yaml", problems)!, problems);
        return problems;
    }
}
