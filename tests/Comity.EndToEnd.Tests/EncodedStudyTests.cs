using Comity.Testing;

namespace Comity.EndToEnd.Tests;

/// <summary>The four hospitals on thin lines, from the study file to the results.</summary>
public sealed class EncodedStudyTests
{
    private const int Parameters = 2369;

    [Fact]
    public async Task Updates_in_fewer_bytes_cost_less_than_a_hundredth_of_AUC_and_results_count_what_travelled()
    {
        TestData.Folder("heart-disease");
        using var folder = new TempFolder();
        // Two of the eight splits, and not the encoding that needs more rounds than there are.
        var study = await File.ReadAllTextAsync(Repository.At("examples/heart-disease/encoded.yaml"), TestContext.Current.CancellationToken);
        folder.Write("study.yaml", string.Join('\n', study.Split('\n').Where(l => !l.Contains("name: hundredth", StringComparison.Ordinal))).Replace("repeats: 8", "repeats: 2", StringComparison.Ordinal));

        var run = await Cli.RunAsync(Repository.Root, "run", folder.FullPath, "--out", folder.At("out"));

        Assert.True(run.ExitCode == 0, run.ToString());
        var results = RunFiles.Results(folder.At("out"));
        double Auc(string name) => (double)results["summary"]!.AsArray().Single(s => (string)s!["model"]! == $"federated/{name}" && (string)s["site"]! == "*" && (string)s["metric"]! == "rocAuc")!["mean"]!;
        long Floats(string name) => results["models"]!.AsArray().Where(m => (string)m!["id"]! == $"federated/{name}").Select(m => (long)m!["bytes"]!).Distinct().Single() / (40 * 4 * 4);
        const int half = (Parameters + 1) / 2;
        const int int8 = (9 * 65) + 1 + ((Parameters - (9 * 256) + 3) / 4);
        Assert.All(new[] { ("float32", 2 * Parameters), ("bf16", Parameters + half), ("fp16", Parameters + half), ("int8", Parameters + int8), ("both-ways", half + int8), ("tenth", Parameters + 237 + 119) }, e =>
        {
            Assert.Equal(e.Item2, Floats(e.Item1));
            Assert.InRange(Auc(e.Item1), Auc("float32") - 0.01, Auc("float32") + 0.01);
        });
    }
}
