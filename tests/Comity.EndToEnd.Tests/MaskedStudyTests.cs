using Comity.Testing;

namespace Comity.EndToEnd.Tests;

/// <summary>Studies whose updates leave under masks, from the study file to the report.</summary>
public sealed class MaskedStudyTests
{
    [Fact]
    public async Task Four_hospitals_train_under_masks_and_noise_and_the_report_says_what_that_means()
    {
        TestData.Folder("heart-disease");
        using var folder = new TempFolder();
        var run = await Cli.RunAsync(Repository.Root, "run", "examples/heart-disease/masked.yaml", "--out", folder.At("one"), "--jobs", "1");
        Assert.True(run.ExitCode == 0, run.ToString());
        var results = RunFiles.Results(folder.At("one"));
        var masks = results["secureAggregation"]!;
        Assert.Equal(("lying-coordinator", 4, 3), ((string?)masks["adversary"], (int)masks["cohort"]!, (int)masks["threshold"]!));
        Assert.All(results["privacy"]!.AsArray(), p => Assert.InRange((double)p!["epsilon"]!, 4.9, 5));
        var score = results["summary"]!.AsArray().Single(s => (string)s!["model"]! == "federated/masked" && (string)s["site"]! == "*" && (string)s["metric"]! == "rocAuc");
        Assert.True((double)score!["mean"]! > 0.84, $"AUC {score["mean"]}");
        var report = await File.ReadAllTextAsync(folder.At("one", "report.html"), TestContext.Current.CancellationToken);
        Assert.Contains("masks that cancel in the sum only", report, StringComparison.Ordinal);
        Assert.Contains("even if it lied about which sites had dropped out", report, StringComparison.Ordinal);
        Assert.DoesNotContain("Nothing was protected in this run", report, StringComparison.Ordinal);

        var again = await Cli.RunAsync(Repository.Root, "run", "examples/heart-disease/masked.yaml", "--out", folder.At("two"), "--jobs", "2");
        Assert.True(again.ExitCode == 0, again.ToString());
        static IEnumerable<string> Bits(System.Text.Json.Nodes.JsonNode run) => run["models"]!.AsArray().Select(m => $"{m!["id"]} {m["weightsSha256"]}");
        Assert.Equal(Bits(results), Bits(RunFiles.Results(folder.At("two"))));
    }

    [Fact]
    public async Task A_delta_that_would_give_a_whole_site_away_is_warned_of()
    {
        static Func<string, string> With(string delta) => text => text
            .Replace("arms: [local, partner, pooled, federated]", "arms: [federated]", StringComparison.Ordinal)
            .Replace("  - { name: tuned, strategy: scaffold, rounds: 8, training: { optimizer: { kind: sgd, learningRate: 0.05 } }, personalise: { kind: fine-tune, epochs: 2 } }\n", "", StringComparison.Ordinal)
            .Replace("repeats: 2", $"privacy: {{ differentialPrivacy: {{ unit: site, epsilon: 6, delta: {delta}, clip: 1 }} }}", StringComparison.Ordinal);
        foreach (var (delta, warned) in new[] { ("0.5", true), ("0.49", false) })
        {
            using var study = new SmallStudy(study: With(delta));
            var checkedStudy = await Cli.RunAsync(study.Folder, "check", ".");
            Assert.True(checkedStudy.ExitCode == 0, checkedStudy.ToString());
            Assert.Equal(warned, (checkedStudy.Output + checkedStudy.Error).Contains("1 / sites", StringComparison.Ordinal));
        }
    }

    [Fact]
    public async Task Two_sites_cannot_hide_from_each_other_and_are_told_so()
    {
        using var study = new SmallStudy(study: text => text.Replace("repeats: 2", "privacy: { secureAggregation: true }", StringComparison.Ordinal));
        var refused = await Cli.RunAsync(study.Folder, "check", ".");
        Assert.True(refused.ExitCode == 3, refused.ToString());
        Assert.Contains("masks-too-few-sites", refused.Error, StringComparison.Ordinal);
        Assert.Contains("differentialPrivacy", refused.Error, StringComparison.Ordinal);
    }
}
