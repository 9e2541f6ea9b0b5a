using Comity.Testing;

namespace Comity.EndToEnd.Tests;

/// <summary>The sound example on a fifth of its recordings: speakers as sites, recordings from one archive.</summary>
public sealed class SpokenDigitsTests
{
    [Fact]
    public async Task Recordings_are_learnt_by_speakers_together_and_a_new_one_is_recognised()
    {
        var data = TestData.Folder("spoken-digits");
        using var folder = new TempFolder();
        Directory.CreateDirectory(folder.At("study"));
        // Takes 0 to 9 of each digit and speaker: half to learn from, half to judge on.
        var takes = string.Join(", ", Enumerable.Range(0, 10));
        var text = File.ReadAllText(Path.Combine(Repository.At("examples/spoken-digits"), "study.yaml"));
        text = System.Text.RegularExpressions.Regex.Replace(text, @"rows: (\{ column: speaker, values: \[\w+\] \})", $"rows: [$1, {{ column: take, values: [{takes}] }}]");
        text = text.Replace("epochs: 20", "epochs: 30", StringComparison.Ordinal).Replace("[local, partner, pooled, federated]", "[pooled, federated]", StringComparison.Ordinal).Replace("rounds: 30", "rounds: 15", StringComparison.Ordinal);
        File.WriteAllText(folder.At("study/study.yaml"), text);

        var result = await Cli.RunAsync(folder.FullPath, "run", "study", "--out", "out");
        Assert.True(result.ExitCode == 0, result.ToString());
        var results = RunFiles.Results(folder.At("out"));
        var accuracy = results["summary"]!.AsArray().Where(s => (string?)s!["metric"] == "accuracy" && (string?)s["site"] == "*").ToDictionary(s => (string)s!["model"]!, s => (double)s!["mean"]!);
        // 300 recordings to learn from, 300 to judge on; chance is 0.1.
        Assert.True(accuracy["pooled"] > 0.7, $"pooled {accuracy["pooled"]}");
        Assert.True(accuracy["federated/fedavg"] > 0.4, $"federated {accuracy["federated/fedavg"]}");

        var predicted = await Cli.RunAsync(folder.FullPath, "predict", "out/models/pooled", "--input", Path.Combine(data, "fsdd-recordings.tar.gz"), "--output", "digits.csv");
        Assert.True(predicted.ExitCode == 0, predicted.ToString());
        var rows = RunFiles.Csv(folder.At("digits.csv"));
        Assert.Equal(3000, rows.Count);
        var right = rows.Count(r => r["file"][r["file"].LastIndexOf('/') + 1] == r["label"][0]);
        Assert.True(right > 2000, $"{right} of 3000 recordings, most of which were never heard in training");
    }
}
