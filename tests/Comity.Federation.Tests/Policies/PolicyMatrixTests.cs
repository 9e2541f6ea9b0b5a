using System.Text.Json;
using Comity.Declarations;
using Comity.Federation.Policies;
using Comity.Federation.Studies;
using Comity.Testing;

namespace Comity.Federation.Tests.Policies;

public sealed class PolicyMatrixTests
{
    [Fact]
    public void Every_pack_that_ships_is_whole_and_every_rule_is_bilingual_and_dated()
    {
        var packs = PolicyPacks.BuiltIn();

        Assert.Equal(["BR", "CH", "CN", "EU", "IN", "JP", "KR", "SG", "UK", "US"], packs.All.Select(p => p.Jurisdiction));
        Assert.All(packs.All.SelectMany(p => p.Rules), r =>
        {
            Assert.NotEqual("", r.Date);
            Assert.NotEqual("", r.Provenance);
            Assert.Contains(r.Requirement.ZhHans, c => c > 0x2E80);
        });
        Assert.All(packs.All.SelectMany(p => p.Regimes).SelectMany(r => r.Cases), c => Assert.Contains(c.Because.ZhHans, x => x > 0x2E80));
    }

    // Each row is a sentence of a law, read by a person: what flows, from where, to where, of whom, and what follows.
    [Theory]
    [InlineData("HU", "CH", "", null, FlowKind.Records, PolicyVerdict.Free, "eu-gdpr-45-list-2025")]
    [InlineData("HU", "GB", "", null, FlowKind.Records, PolicyVerdict.Free, "eu-gdpr-45-uk")]
    [InlineData("HU", "BR", "", null, FlowKind.Records, PolicyVerdict.Free, "eu-gdpr-45-br")]
    [InlineData("HU", "US", "", null, FlowKind.Records, PolicyVerdict.Conditional, "eu-gdpr-45-us")]
    [InlineData("HU", "CN", "", null, FlowKind.Records, PolicyVerdict.Conditional, "eu-gdpr-46")]
    [InlineData("HU", "CN", "", null, FlowKind.Updates, PolicyVerdict.Conditional, "eu-edpb-28-2024")]
    [InlineData("HU", "CN", "", null, FlowKind.Metrics, PolicyVerdict.Free, "eu-gdpr-44")]
    [InlineData("HU", "DE", "health", 5_000_000L, FlowKind.Records, PolicyVerdict.Free, null)]
    [InlineData("CN", "HU", "", 99_999L, FlowKind.Records, PolicyVerdict.Conditional, "cn-cac-5")]
    [InlineData("CN", "HU", "", 100_000L, FlowKind.Records, PolicyVerdict.Conditional, "cn-cac-8")]
    [InlineData("CN", "HU", "", 1_000_000L, FlowKind.Records, PolicyVerdict.Conditional, "cn-cac-7")]
    [InlineData("CN", "HU", "health", 9_999L, FlowKind.Records, PolicyVerdict.Conditional, "cn-cac-8")]
    [InlineData("CN", "HU", "health", 10_000L, FlowKind.Records, PolicyVerdict.Conditional, "cn-cac-7")]
    [InlineData("CN", "HU", "genetic", 10L, FlowKind.Updates, PolicyVerdict.Conditional, "cn-hgr")]
    [InlineData("US", "CN", "health", 10_000L, FlowKind.Records, PolicyVerdict.Conditional, "us-hipaa-sh")]
    [InlineData("US", "CN", "health", 10_001L, FlowKind.Records, PolicyVerdict.Barred, "us-doj-prohibited")]
    [InlineData("US", "HK", "genetic", 101L, FlowKind.Records, PolicyVerdict.Barred, "us-doj-bulk")]
    [InlineData("US", "CN", "health", null, FlowKind.Records, PolicyVerdict.Barred, "us-doj-bulk")]
    [InlineData("US", "CN", "health", 10_001L, FlowKind.Updates, PolicyVerdict.Conditional, "us-doj-restricted")]
    [InlineData("US", "HU", "finance", 5_000_000L, FlowKind.Records, PolicyVerdict.Free, "us-none")]
    [InlineData("JP", "HU", "", null, FlowKind.Records, PolicyVerdict.Free, "jp-28")]
    [InlineData("JP", "US", "", null, FlowKind.Records, PolicyVerdict.Conditional, "jp-28")]
    [InlineData("BR", "HU", "", null, FlowKind.Records, PolicyVerdict.Free, "br-eu")]
    [InlineData("CH", "HU", "", null, FlowKind.Records, PolicyVerdict.Free, "ch-16")]
    [InlineData("UK", "SG", "", null, FlowKind.Records, PolicyVerdict.Conditional, "uk-44a")]
    [InlineData("SG", "UK", "", null, FlowKind.Records, PolicyVerdict.Conditional, "sg-26")]
    [InlineData("KR", "UK", "", null, FlowKind.Records, PolicyVerdict.Conditional, "kr-28-8")]
    [InlineData("IN", "UK", "", null, FlowKind.Records, PolicyVerdict.Conditional, "in-16")]
    [InlineData("ZZ", "UK", "", null, FlowKind.Records, PolicyVerdict.Unknown, null)]
    public void A_law_says_of_a_flow(string from, string to, string sensitive, long? individuals, FlowKind kind, PolicyVerdict verdict, string? rule)
    {
        var flow = Flow(Study(from, to, policy => policy with
        {
            Sensitive = sensitive.Length == 0 ? [] : [Enum.Parse<SensitiveData>(sensitive, ignoreCase: true)],
            Individuals = individuals is { } n ? new Dictionary<string, long> { ["a"] = n } : new Dictionary<string, long>(),
        }), kind);

        Assert.Equal(verdict, flow.Verdict);
        if (rule is not null) Assert.Contains(rule, flow.Reasons.SelectMany(r => r.Case.Rules));
    }

    [Fact]
    public void A_flow_is_covered_only_when_each_body_of_law_is()
    {
        StudySection With(params string[] conditions) => Study("CN", "HU", p => p with
        {
            Individuals = new Dictionary<string, long> { ["a"] = 200_000 },
            Covered = [new CoveredFlow { From = "a", To = "b", Conditions = conditions, By = "CAC filing 2026-17" }],
        });

        Assert.Equal(PolicyVerdict.Conditional, Flow(With("cac-standard-contract"), FlowKind.Records).Verdict);
        Assert.Equal(PolicyVerdict.Conditional, Flow(With("pipl-notice-consent-pia"), FlowKind.Records).Verdict);
        var covered = Flow(With("cac-standard-contract", "pipl-notice-consent-pia"), FlowKind.Records);
        Assert.Equal(PolicyVerdict.Covered, covered.Verdict);
        Assert.All(covered.Reasons, r => Assert.Equal("CAC filing 2026-17", r.CoveredBy));
    }

    [Fact]
    public void No_document_covers_what_is_barred_and_the_federated_arm_is_named_instead()
    {
        var flow = Flow(Study("US", "CN", p => p with
        {
            Sensitive = [SensitiveData.Health],
            Individuals = new Dictionary<string, long> { ["a"] = 50_000 },
            Covered = [new CoveredFlow { From = "*", To = "*", Conditions = ["sccs", "cisa-requirements", "doj-review", "hipaa-basis"], By = "a contract" }],
        }), FlowKind.Records);

        Assert.Equal(PolicyVerdict.Barred, flow.Verdict);
        var remedy = Assert.Single(flow.Remedies);
        Assert.Equal(Arm.Federated, remedy.Arm);
        Assert.Equal(PolicyVerdict.Covered, remedy.Verdict);
    }

    [Fact]
    public void Anonymous_records_flow_except_where_the_law_reaches_them_all_the_same()
    {
        StudySection Anonymous(string from, string to) => Study(from, to, p => p with { Anonymous = true });

        Assert.Equal(PolicyVerdict.Free, Flow(Anonymous("HU", "CN"), FlowKind.Records).Verdict);
        Assert.Equal(PolicyVerdict.Free, Flow(Anonymous("CN", "HU"), FlowKind.Records).Verdict);
        Assert.Equal(PolicyVerdict.Barred, Flow(Anonymous("US", "CN"), FlowKind.Records).Verdict); // 28 CFR 202.206: regardless of form
    }

    [Fact]
    public void Counsel_replaces_a_pack_and_a_pack_that_contradicts_itself_is_refused()
    {
        using var folder = new TempFolder();
        const string Pack = """
            pack: counsel
            version: "1"
            jurisdiction: EU
            name: { en: ours, zhHans: 我们的 }
            members: [HU]
            rules:
              - { id: ours-1, trigger: { en: a, zhHans: 甲 }, requirement: { en: b, zhHans: 乙 }, article: x, source: y, date: "2026", confidence: high }
            regimes:
              - id: all
                name: { en: all, zhHans: 全部 }
                cases:
                  - { verdict: barred, rules: [ours-1], because: { en: c, zhHans: 丙 } }
            """;
        folder.Write("eu.yaml", Pack);
        var problems = new ProblemList();
        var packs = PolicyPacks.Load([folder.FullPath], problems);
        Assert.Empty(problems);
        Assert.All(PolicyMatrix.Of(Study("HU", "CH", p => p), packs).Flows.Where(f => f.From == "a"), f => Assert.Equal(PolicyVerdict.Barred, f.Verdict));

        folder.Write("eu.yaml", Pack.Replace("verdict: barred, rules: [ours-1]", "verdict: conditional, needs: [luck], rules: [ours-2]", StringComparison.Ordinal));
        PolicyPacks.Load([folder.FullPath], problems);
        Assert.Equal(["pack-unknown-rule", "pack-unknown-condition"], problems.Select(p => p.Code));
    }

    [Fact]
    public void A_condition_that_no_pack_knows_is_refused_with_its_place_as_it_would_cover_nothing()
    {
        using var folder = new TempFolder();
        folder.Write("study.yaml", """
            study: s
            contract: { label: { column: y, positive: 1 }, features: [ { column: x } ] }
            markets: [ { id: a, jurisdiction: HU }, { id: b, jurisdiction: US } ]
            sites: [ { id: one, market: a }, { id: two, market: b } ]
            model: linear
            arms: [federated]
            federation: { rounds: 1 }
            policy:
              covered:
                - { from: a, to: b, conditions: [sccs], by: 'SCC 2021/914' }
                - { from: a, to: b, conditions: [scs], by: 'SCC 2021/914' }
            """);
        var problems = new ProblemList();
        var study = StudyReader.Read(folder.FullPath, problems)!;
        Assert.Empty(problems);

        PolicyPacks.BuiltIn().CheckCovered(study, problems);

        var problem = Assert.Single(problems);
        Assert.Equal(("policy-unknown-condition", 11), (problem.Code, problem.Place.Line));
        Assert.Contains("'sccs'", problem.Remedy(System.Globalization.CultureInfo.GetCultureInfo("en")), StringComparison.Ordinal);
    }

    [Fact]
    public void A_study_that_names_markets_which_are_not_there_is_refused()
    {
        var problems = new ProblemList();
        Read("HU", "CN", "policy: { sensitive: [any], individuals: { c: 5 }, covered: [ { from: a, to: d, conditions: [sccs], by: '' } ] }", problems);
        Assert.Superset(new HashSet<string>(["unknown-market", "policy-any", "policy-by-empty"], StringComparer.Ordinal), problems.Select(p => p.Code).ToHashSet(StringComparer.Ordinal));
    }

    private static JudgedFlow Flow(StudySection study, FlowKind kind) => PolicyMatrix.Of(study, PolicyPacks.BuiltIn()).Flows.Single(f => f.From == "a" && f.Kind == kind);

    private static StudySection Study(string from, string to, Func<PolicySection, PolicySection> policy)
    {
        var study = Read(from, to, "", new ProblemList())!;
        return study with { Policy = policy(new PolicySection()) };
    }

    private static StudySection? Read(string from, string to, string more, ProblemList problems)
    {
        using var folder = new TempFolder();
        folder.Write("study.yaml", $$"""
            study: flows
            contract: { label: { column: y, positive: 1 }, features: [ { column: x, kind: number } ] }
            markets: [ { id: a, jurisdiction: "{{from}}" }, { id: b, jurisdiction: "{{to}}" } ]
            sites: [ { id: one, market: a }, { id: two, market: b } ]
            model: { kind: linear }
            arms: [pooled, federated]
            federation: { strategy: fedavg, rounds: 1 }
            {{more}}
            """);
        return StudyReader.Read(folder.FullPath, problems)?.Section;
    }
}
