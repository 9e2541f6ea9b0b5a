using System.Security.Cryptography;
using Comity.Declarations;
using Comity.Federation.Policies;
using Comity.Federation.Studies;
using Comity.Testing;

namespace Comity.Federation.Tests.Policies;

public sealed class StewardTests
{
    private const string Study = """
        study: hearts
        author: ann
        purpose: research
        contract: { label: { column: sick, positive: 1 }, features: [ { column: age, kind: number }, { column: ward, kind: category, values: [a, b] } ] }
        markets: [ { id: us, jurisdiction: US }, { id: hu, jurisdiction: HU } ]
        sites: [ { id: one, market: us }, { id: two, market: hu }, { id: three, market: hu } ]
        model: { kind: mlp, hidden: [4] }
        arms: [local, federated]
        federation: { strategy: fedavg, rounds: 5, quorum: 2 }
        privacy: { differentialPrivacy: { epsilon: 4, delta: 1e-5, clip: 1 } }
        """;

    [Theory]
    [InlineData("studies: [hearts]", null)]
    [InlineData("studies: [lungs]", "steward-study")]
    [InlineData("authors: [ann, bob]", null)]
    [InlineData("authors: [bob]", "steward-author")]
    [InlineData("purposes: [care]", "steward-purpose")]
    [InlineData("models: [linear]", "steward-model")]
    [InlineData("models: [linear, mlp]", null)]
    [InlineData("columns: [sick, age, ward, zip]", null)]
    [InlineData("columns: [sick, age]", "steward-column")]
    [InlineData("barredColumns: [ward]", "steward-column")]
    [InlineData("barredColumns: [sick]", "steward-column")]
    [InlineData("minimumCohort: 2", null)]
    [InlineData("minimumCohort: 3", "steward-cohort")]
    [InlineData("requires: { epsilon: 4 }", null)]
    [InlineData("requires: { epsilon: 3.9 }", "steward-epsilon")]
    [InlineData("requires: { epsilon: 4, delta: 1e-6 }", "steward-delta")]
    [InlineData("requires: { secureAggregation: true }", "steward-masks")]
    [InlineData("destinations: [EU]", null)]
    [InlineData("destinations: [HU]", null)]
    [InlineData("destinations: [CH]", "steward-destination")]
    public void A_study_is_held_against_each_line_of_the_policy(string policy, string? refusal)
    {
        var problems = Check(policy);

        Assert.Equal(refusal is null ? [] : [refusal], problems.Select(p => p.Code));
    }

    [Fact]
    public void Everything_that_is_not_allowed_is_said_at_once_in_both_languages()
    {
        var problems = Check("studies: [lungs]\nauthors: [bob]\nmodels: [linear]\ncolumns: [age]\nminimumCohort: 3\nrequires: { epsilon: 1, secureAggregation: true }\ndestinations: [CH]");

        Assert.Equal(9, problems.Count); // two columns
        foreach (var culture in new[] { "en", "zh-Hans" }.Select(System.Globalization.CultureInfo.GetCultureInfo))
            Assert.All(problems, p => Assert.DoesNotMatch(@"\{\d", p.Found(culture) + p.Expected(culture) + p.Remedy(culture)));
    }

    [Theory]
    [InlineData("columns: [a]\nbarredColumns: [a]", "steward-column-both")]
    [InlineData("minimumCohort: 2\nrequires: { secureAggregation: true }", "steward-cohort-masks")]
    [InlineData("requires: { delta: 1e-5 }", "steward-delta-alone")]
    [InlineData("hours: { from: \"8\", to: \"20:00\" }", "steward-time")]
    [InlineData("hours: { from: \"08:00\", to: \"08:00\" }", "steward-hours-empty")]
    [InlineData("hours: { from: \"08:00\", to: \"20:00\", zone: Mars/Olympus }", "steward-zone")]
    [InlineData("requires: { epsilon: 0 }", "out-of-range")]
    [InlineData("approvals: true", "misspelt-key")]
    public void A_policy_that_contradicts_itself_is_refused_with_its_place(string policy, string code)
    {
        using var folder = new TempFolder();
        folder.Write("policy.yaml", policy);
        var problems = new ProblemList();

        Assert.Null(StewardPolicy.Read(folder.At("policy.yaml"), problems));

        var problem = Assert.Single(problems);
        Assert.Equal(code, problem.Code);
        Assert.True(problem.Place.Line > 0);
    }

    [Theory]
    [InlineData("08:00", "18:00", "UTC", "2026-03-01T12:00:00Z", 0)]
    [InlineData("08:00", "18:00", "UTC", "2026-03-01T18:00:00Z", 14 * 60)]
    [InlineData("20:00", "06:00", "UTC", "2026-03-01T23:59:00Z", 0)]
    [InlineData("20:00", "06:00", "UTC", "2026-03-01T05:59:00Z", 0)]
    [InlineData("20:00", "06:00", "UTC", "2026-03-01T06:00:00Z", 14 * 60)]
    [InlineData("20:00", "06:00", "Asia/Shanghai", "2026-03-01T12:00:00Z", 0)]
    [InlineData("20:00", "06:00", "Asia/Shanghai", "2026-03-01T11:30:00Z", 30)]
    public void Hours_go_over_midnight_and_by_the_sites_own_clock(string from, string to, string zone, string now, int minutes) =>
        Assert.Equal(TimeSpan.FromMinutes(minutes), new WorkingHours { From = from, To = to, Zone = zone }.Until(DateTimeOffset.Parse(now, System.Globalization.CultureInfo.InvariantCulture)));

    [Fact]
    public void An_approval_is_for_the_bytes_of_one_study()
    {
        using var folder = new TempFolder();
        folder.Write("study.yaml", Study);
        var approvals = new StudyApprovals(folder.At("state"));
        var (one, changed) = (new string('a', 64), new string('b', 64));
        approvals.Ask(one, folder.At("study.yaml"));

        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var other = ECDsa.Create(ECCurve.NamedCurves.nistP256);

        Assert.False(approvals.IsApproved(one, key));
        approvals.Approve(one, "steward", DateTimeOffset.UnixEpoch, key);
        Assert.True(approvals.IsApproved(one, key));
        Assert.False(approvals.IsApproved(changed, key));
        Assert.False(approvals.IsApproved(one, other)); // another site's, or a stranger's

        // Who can only write into the folder approves nothing: neither by a file, nor by another's name, nor by an approval of another study.
        var file = folder.At("state", "approvals", one + ".json");
        var signed = File.ReadAllText(file);
        foreach (var forged in new[] { "{}", "", signed.Replace("steward", "director", StringComparison.Ordinal), $"{{\"sha256\":\"{one}\",\"by\":\"x\",\"at\":\"y\"}}" })
        {
            File.WriteAllText(file, forged);
            Assert.False(approvals.IsApproved(one, key));
        }
        File.WriteAllText(folder.At("state", "approvals", changed + ".json"), signed.Replace(one, changed, StringComparison.Ordinal));
        Assert.False(approvals.IsApproved(changed, key));
        File.WriteAllText(file, signed);
        Assert.True(approvals.IsApproved(one, key));
        Assert.True(approvals.Withdraw(one));
        Assert.False(approvals.IsApproved(one, key));
        Assert.Throws<ArgumentException>(() => approvals.IsApproved("../../etc/passwd", key));
    }

    private static ProblemList Check(string policy)
    {
        using var folder = new TempFolder();
        folder.Write("policy.yaml", policy);
        folder.Write("study.yaml", Study);
        var problems = new ProblemList();
        var declared = StewardPolicy.Read(folder.At("policy.yaml"), problems);
        var study = StudyReader.Read(folder.FullPath, problems);
        Assert.Empty(problems);
        StewardChecks.Check(declared!, new AskedStudy("one", study!.Section, study.Sha256, "mlp", ["sick", "age", "ward"]), PolicyPacks.BuiltIn(), problems);
        return problems;
    }
}
