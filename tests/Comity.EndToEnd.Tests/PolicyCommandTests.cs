using System.Text.Json.Nodes;
using Comity.Testing;

namespace Comity.EndToEnd.Tests;

public sealed class PolicyCommandTests
{
    [Fact]
    public async Task The_matrix_says_what_flows_under_which_rule_and_what_would_be_lawful()
    {
        using var study = new SmallStudy();
        var text = await Cli.RunAsync(study.Folder, "policy", "check", ".");
        var json = await Cli.RunAsync(study.Folder, "policy", "check", ".", "--json");
        var chinese = await Cli.RunAsync(study.Folder, "policy", "check", ".", "--lang", "zh-Hans");

        Assert.True(text.ExitCode == 0, text.ToString());
        Assert.Contains("not legal advice", text.Output, StringComparison.Ordinal);
        Assert.Contains("there -> here", text.Output, StringComparison.Ordinal);
        Assert.Contains("不构成法律意见", chinese.Output, StringComparison.Ordinal);
        var flows = JsonNode.Parse(json.Output)!["flows"]!.AsArray();
        Assert.Equal(2 * 5, flows.Count);
        Assert.Equal("ch-16", (string?)flows.Single(f => (string?)f!["flow"] == "records" && (string?)f["from"] == "there")!["reasons"]![0]!["rules"]![0]);
    }

    [Fact]
    public async Task A_barred_flow_ends_with_its_own_exit_code_and_an_uncovered_one_keeps_the_pooled_arm_from_running()
    {
        const string Arms = "arms: [local, partner, pooled, federated]";
        using var barred = new SmallStudy(y => y.Replace("jurisdiction: CH", "jurisdiction: CN", StringComparison.Ordinal).Replace(Arms, Arms + "\npolicy: { sensitive: [health], individuals: { here: 20000, there: 500 } }", StringComparison.Ordinal));
        var refused = await Cli.RunAsync(barred.Folder, "policy", "check", ".");
        Assert.Equal(10, refused.ExitCode);
        Assert.Contains("us-doj-prohibited", refused.Output, StringComparison.Ordinal);
        Assert.Contains("arm federated", refused.Output, StringComparison.Ordinal);

        static string Shorter(string y) => y.Replace("repeats: 2", "repeats: 1", StringComparison.Ordinal).Replace("rounds: 8", "rounds: 1", StringComparison.Ordinal);
        using var uncovered = new SmallStudy(y => Shorter(y).Replace(Arms, Arms + "\npolicy: { sensitive: [health] }", StringComparison.Ordinal));
        Assert.Equal(0, (await Cli.RunAsync(uncovered.Folder, "run", ".", "--out", "out")).ExitCode);
        var results = RunFiles.Results(uncovered.At("out"));
        Assert.DoesNotContain(results["models"]!.AsArray(), m => (string?)m!["id"] == "pooled");
        Assert.Contains("records-not-covered", results["warnings"]!.ToJsonString(), StringComparison.Ordinal);

        using var covered = new SmallStudy(y => Shorter(y).Replace(Arms, Arms +
            "\npolicy: { sensitive: [health], covered: [ { from: there, to: here, conditions: [dpf], by: 'listed 2026-01-05' }, { from: here, to: there, flows: records, conditions: [hipaa-safe-harbor], by: 'removed 2026-02-01' } ] }", StringComparison.Ordinal));
        Assert.Equal(0, (await Cli.RunAsync(covered.Folder, "run", ".", "--out", "out")).ExitCode);
        Assert.Contains(RunFiles.Results(covered.At("out"))["models"]!.AsArray(), m => (string?)m!["id"] == "pooled");
    }

    [Fact]
    public async Task A_condition_or_a_pack_that_can_not_be_used_stops_the_study_before_anything_is_trained()
    {
        const string Arms = "arms: [local, partner, pooled, federated]";
        foreach (var (policy, named) in new[]
        {
            ("{ covered: [ { from: there, to: here, conditions: [dpff], by: 'listed 2026-01-05' } ] }", "'dpf'"),
            ("{ packs: [counsel.yaml] }", "counsel.yaml"), // else the shipped pack would judge in its place
        })
        {
            using var study = new SmallStudy(y => y.Replace(Arms, $"{Arms}\npolicy: {policy}", StringComparison.Ordinal));
            foreach (var command in new[] { new[] { "policy", "check", "." }, ["check", "."], ["run", ".", "--out", "out"] })
            {
                var refused = await Cli.RunAsync(study.Folder, command);
                Assert.True(refused.ExitCode == 3, refused.ToString());
                Assert.Contains(named, refused.Error, StringComparison.Ordinal);
            }
            Assert.False(Directory.Exists(study.At("out")));
        }
    }

    [Fact]
    public async Task A_rule_is_explained_with_its_source_and_a_misspelt_one_corrected()
    {
        using var folder = new TempFolder();
        var explained = await Cli.RunAsync(folder.FullPath, "policy", "explain", "cn-cac-7");
        var misspelt = await Cli.RunAsync(folder.FullPath, "policy", "explain", "cn-cac-77");

        Assert.Contains("CAC security assessment", explained.Output, StringComparison.Ordinal);
        Assert.Contains("CAC Order No. 16", explained.Output, StringComparison.Ordinal);
        Assert.Equal(2, misspelt.ExitCode);
        Assert.Contains("cn-cac-7", misspelt.Error, StringComparison.Ordinal);
    }
}
