using Comity.Testing;

namespace Comity.EndToEnd.Tests;

/// <summary>The image example on a fiftieth of its images: every arm, each strategy, and the model on a picture of its own.</summary>
public sealed class MnistTests
{
    [Fact]
    public async Task Images_are_checked_described_learnt_and_predicted()
    {
        TestData.Folder("mnist");
        using var folder = new TempFolder();
        Directory.CreateDirectory(folder.At("study"));
        var text = File.ReadAllText(Path.Combine(Repository.At("examples/mnist"), "study.yaml"))
            .Replace("of: 10,", "of: 200,", StringComparison.Ordinal).Replace("rounds: 20", "rounds: 4", StringComparison.Ordinal).Replace("batch: 128", "batch: 16", StringComparison.Ordinal);
        File.WriteAllText(folder.At("study/study.yaml"), text);

        var described = await Cli.RunAsync(folder.FullPath, "data", "describe", "study");
        Assert.True(described.ExitCode == 0, described.ToString());
        Assert.Contains("image", described.Output, StringComparison.Ordinal);

        var result = await Cli.RunAsync(folder.FullPath, "run", "study", "--out", "out");
        Assert.True(result.ExitCode == 0, result.ToString());
        var results = RunFiles.Results(folder.At("out"));
        var accuracy = results["summary"]!.AsArray().Where(s => (string?)s!["metric"] == "accuracy" && (string?)s["site"] == "*").ToDictionary(s => (string)s!["model"]!, s => (double)s!["mean"]!);
        // Ten sites of 300 training images each, judged on 500: chance is 0.1, a site alone reaches about 0.7.
        Assert.True(accuracy["pooled"] > 0.85, $"pooled {accuracy["pooled"]}");
        Assert.All(new[] { "fedavg", "fedprox", "scaffold" }, f => Assert.True(accuracy["federated/" + f] > 0.75, $"{f} {accuracy["federated/" + f]}"));

        var predicted = await Cli.RunAsync(folder.FullPath, "predict", "out/models/pooled", "--input", TestData.Folder("mnist") + "/t10k-images-idx3-ubyte.gz", "--output", "digits.csv");
        Assert.True(predicted.ExitCode == 0, predicted.ToString());
        var rows = RunFiles.Csv(folder.At("digits.csv"));
        Assert.Equal(10_000, rows.Count);
        // The first test images, as they are published.
        Assert.Equal("7210414", string.Concat(rows.Take(7).Select(r => r["label"])));
    }
}
