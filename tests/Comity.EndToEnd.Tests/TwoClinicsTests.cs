using Comity.Testing;

namespace Comity.EndToEnd.Tests;

/// <summary>The first example that a newcomer runs shows what it promises.</summary>
public sealed class TwoClinicsTests
{
    [Fact]
    public async Task Own_models_are_good_at_home_and_worse_abroad_and_the_common_model_is_good_at_both()
    {
        using var folder = new TempFolder();
        File.Copy(Repository.At("examples/two-clinics/study.yaml"), folder.At("study.yaml"));

        var result = await Cli.RunAsync(folder.FullPath, "run", ".", "--out", "out");

        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.Equal(2001, File.ReadLines(folder.At("local_data.csv")).Count());
        Assert.Equal(2001, File.ReadLines(folder.At("international_data.csv")).Count());
        var auc = RunFiles.Results(folder.At("out"))["summary"]!.AsArray().Where(s => (string?)s!["metric"] == "rocAuc")
            .ToDictionary(s => ((string)s!["model"]!, (string)s["site"]!), s => (double)s!["mean"]!);
        Assert.True(auc[("local/local", "local")] - auc[("local/local", "international")] > 0.05);
        Assert.True(auc[("local/international", "international")] - auc[("local/international", "local")] > 0.05);
        foreach (var common in new[] { "federated/fedavg", "combined/fine-tune" })
        {
            foreach (var site in new[] { "local", "international" })
                Assert.True(auc[(common, site)] > auc[($"local/{site}", site)] - 0.02, $"{common} at {site}: {auc[(common, site)]}");
        }
    }
}
