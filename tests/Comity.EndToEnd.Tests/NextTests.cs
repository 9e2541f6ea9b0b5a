using System.Text.Json.Nodes;
using Comity.Serving.Feedback;
using Comity.Testing;

namespace Comity.EndToEnd.Tests;

/// <summary>A proposed study says what it would spend of privacy, and what budgets leave; a release carries what its study declared.</summary>
public sealed class NextTests
{
    private static string Private(string text) => text
        .Replace("{ column: dose, kind: number }", "{ column: dose, kind: number, range: [-4, 10] }", StringComparison.Ordinal)
        .Replace("missing: median, scale: standard", "missing: mean, scale: min-max", StringComparison.Ordinal)
        .Replace("arms: [local, partner, pooled, federated]", "arms: [federated]", StringComparison.Ordinal)
        .Replace("repeats: 2", "policy: { sensitive: [health], covered: [{ from: here, to: there, flows: [model], conditions: [sccs], by: contract of 2026-01-02 }] }\nprivacy: { differentialPrivacy: { epsilon: 6, delta: 1e-4, clip: 1 } }", StringComparison.Ordinal);

    [Fact]
    public async Task The_ledger_and_the_releases_own_charge_stand_among_the_reasons_and_the_policy_goes_with_the_release()
    {
        using var study = new SmallStudy(study: Private);
        var environment = new Dictionary<string, string?> { ["COMITY_HOME"] = study.At("home"), ["LC_ALL"] = null, ["LANG"] = "C.UTF-8" };
        async Task<string> Comity(params string[] arguments)
        {
            var result = await CommandProcess.RunComityAsync(arguments, TimeSpan.FromMinutes(4), study.Folder, environment);
            Assert.True(result.ExitCode == 0, result.ToString());
            return result.Output;
        }

        await Comity("run", ".", "--out", "out");
        await Comity("release", "out", "--model", "federated/average", "--name", "small", "--version", "1.0.0", "--purpose", "triage", "--licence", "Apache-2.0");
        var policy = JsonNode.Parse(await Comity("release", "show", "small-1.0.0.comity", "--json"))!["policy"]!;
        Assert.Equal("health", (string)policy["sensitive"]![0]!);
        Assert.Equal("model", (string)policy["covered"]![0]!["flows"]![0]!);
        var card = await Comity("release", "show", "small-1.0.0.comity");
        foreach (var told in new[] { "triage", "Apache-2.0", "health", "contract of 2026-01-02" }) Assert.Contains(told, card, StringComparison.Ordinal);

        await Comity("privacy", "budget", "out", "--site", "north", "--epsilon", "7", "--delta", "1e-4");
        await Comity("privacy", "budget", "out", "--site", "south", "--epsilon", "100", "--delta", "1e-4");
        await using (MarketStore.Open(StoreAddress.InFolder(study.At("state")), TimeProvider.System))
        {
            // A market that nobody has asked yet.
        }
        await Comity("next", "small-1.0.0.comity", "--study", ".", "--state", "here=state", "--ledger", "out", "--out", "next-study.yaml");

        var lines = File.ReadLines(study.At("next-study.yaml")).TakeWhile(l => l.StartsWith('#')).ToList();
        Assert.Contains(lines, l => l.Contains("trains anew", StringComparison.Ordinal));
        Assert.Contains(lines, l => l.Contains("promises ε ≤ 6", StringComparison.Ordinal));
        Assert.Equal(2, lines.Count(l => l.Contains("together at most", StringComparison.Ordinal)));
        Assert.Contains(lines, l => l.Contains("Budget of north", StringComparison.Ordinal) && l.Contains("too little", StringComparison.Ordinal));
        Assert.Contains(lines, l => l.Contains("Budget of south", StringComparison.Ordinal) && l.Contains("enough for this study", StringComparison.Ordinal));

        // By its name, with what lies where comity serve and the study put it.
        Directory.Move(study.At("state"), Path.Combine(Directory.CreateDirectory(study.At("serving")).FullName, "here"));
        await Comity("next", "small", "--ledger", "out", "--out", "again.yaml");
        Assert.Equal(File.ReadAllText(study.At("next-study.yaml")).Split('\n').Where(l => !l.StartsWith('#')), File.ReadAllText(study.At("again.yaml")).Split('\n').Where(l => !l.StartsWith('#')));
        var elsewhere = await CommandProcess.RunComityAsync(["next", "small", "--out", Path.Combine("out", "next.yaml")], TimeSpan.FromMinutes(4), study.Folder, environment);
        Assert.Equal(3, elsewhere.ExitCode);
        Assert.Contains("next-no-study", elsewhere.Error, StringComparison.Ordinal);
    }
}
