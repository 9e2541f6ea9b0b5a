using Comity.Declarations;
using Comity.Federation.Studies;
using Comity.Testing;

namespace Comity.Federation.Tests.Studies;

public sealed class LateSitesTests
{
    [Theory]
    [InlineData("federation: { rounds: 1, quorum: 2 }", "d", true)]
    [InlineData("federation: { rounds: 1, quorum: 2 }", "c d", true)]
    [InlineData("federation: { rounds: 1, quorum: 2 }", "b c d", false)]
    [InlineData("federation: { rounds: 1 }", "d", false)] // quorum: all
    [InlineData("federation: { rounds: 1, quorum: 2, required: [a] }", "d", true)]
    [InlineData("federation: { rounds: 1, quorum: 2, required: [d] }", "d", false)]
    [InlineData("federation: { rounds: 1, cohort: 3, quorum: 2 }", "d", true)] // at worst the cohort is drawn with it
    [InlineData("federation: { rounds: 1, cohort: 3, quorum: 2 }", "c d", false)]
    [InlineData("federation: { rounds: 1, quorum: 1, strategy: { kind: trimmed-mean, fraction: 0.34 } }", "d", true)] // trims one at each end of three
    [InlineData("federation: { rounds: 1, quorum: 1, strategy: { kind: trimmed-mean, fraction: 0.34 } }", "c d", false)]
    [InlineData("federations: [{ name: x, rounds: 1, quorum: 1 }, { name: y, rounds: 1, quorum: 4 }]", "d", false)] // every federation must make its own
    [InlineData("arms: [local]", "d", false)] // there are no rounds to enter
    [InlineData("federation: { rounds: 1, quorum: 2, search: { values: { localEpochs: [1, 2] } } }", "d", false)]
    [InlineData("federation: { rounds: 1, quorum: 2 }\nsearch: { values: { training.epochs: [1, 2] } }", "d", false)]
    [InlineData("federation: { rounds: 1, quorum: 2 }\nprivacy: { differentialPrivacy: { unit: record, epsilon: 4, delta: 1.0e-5, clipNorm: 1 } }", "d", false)]
    [InlineData("federation: { rounds: 1, quorum: 2 }", "e", false)] // it only judges: no quorum misses it
    [InlineData("federation: { rounds: 1 }", "", true)]
    public void A_study_begins_without_sites_where_every_federation_makes_its_quorum(string rest, string missing, bool may)
    {
        using var folder = new TempFolder();
        var path = folder.At("study.yaml");
        File.WriteAllText(path, $$"""
            study: t
            seed: 1
            contract: {}
            model: linear
            markets: [{ id: m, jurisdiction: CH }]
            sites: [{ id: a, market: m }, { id: b, market: m }, { id: c, market: m }, { id: d, market: m }, { id: e, market: m, trains: false }]
            {{rest}}
            """);
        var problems = new ProblemList();
        var study = StudyReader.Read(path, problems)!.Section;

        Assert.Equal(may, study.MayBeginWithout(missing.Split(' ', StringSplitOptions.RemoveEmptyEntries)));
    }
}
