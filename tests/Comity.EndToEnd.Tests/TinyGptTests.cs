using System.Globalization;
using Comity.Testing;

namespace Comity.EndToEnd.Tests;

/// <summary>The language example on the beginning of each text: one alphabet for three sites, a common model, its judgement and a text that it continues.</summary>
public sealed class TinyGptTests
{
    [Fact]
    public async Task Three_languages_are_learnt_judged_in_bits_and_continued()
    {
        var data = TestData.Folder("plain-text");
        using var folder = new TempFolder();
        Directory.CreateDirectory(folder.At("study"));
        var study = File.ReadAllText(Path.Combine(Repository.At("examples/tiny-gpt"), "study.yaml"));
        foreach (var file in new[] { "tinyshakespeare-en.txt", "quantangshi-zh-hant.txt", "donquijote-part1-es.txt" })
        {
            File.WriteAllText(folder.At("study/" + file), File.ReadAllText(Path.Combine(data, file))[..8000]);
            study = study.Replace("${COMITY_DATA}/plain-text/" + file, file, StringComparison.Ordinal);
        }
        study = study.Replace("rounds: 6", "rounds: 3", StringComparison.Ordinal).Replace("epochs: 6", "epochs: 3", StringComparison.Ordinal)
            .Replace("batch: 32", "batch: 8", StringComparison.Ordinal).Replace("width: 64", "width: 32", StringComparison.Ordinal);
        File.WriteAllText(folder.At("study/study.yaml"), study);

        var result = await Cli.RunAsync(folder.FullPath, "run", "study", "--out", "out");
        Assert.True(result.ExitCode == 0, result.ToString());

        var results = RunFiles.Results(folder.At("out"));
        Assert.Equal("next-token", (string?)results["task"]);
        Assert.Equal("bitsPerCharacter", (string?)results["primaryMetric"]);
        var bits = results["evaluation"]!.AsArray().Where(e => (string?)e!["split"] == "test" && e["site"] is not null)
            .ToDictionary(e => ((string)e!["model"]!, (string)e["site"]!), e => e!["result"]!["metrics"]!["bitsPerCharacter"]!);
        foreach (var model in new[] { "pooled", "federated/fedavg" })
        {
            // Without learning a character would cost the logarithm of the vocabulary, about ten bits.
            Assert.All(new[] { "london", "madrid" }, site => Assert.InRange((double)bits[(model, site)]["value"]!, 1, 7));
            Assert.InRange((double)bits[(model, "xian")]["value"]!, 3, 16);
            Assert.All(new[] { "london", "xian", "madrid" }, site =>
                Assert.True((double)bits[(model, site)]["low"]! < (double)bits[(model, site)]["value"]! && (double)bits[(model, site)]["value"]! < (double)bits[(model, site)]["high"]!));
        }

        // Anyone can reckon the bits again: characters and their cost in nats stand row by row.
        var rows = RunFiles.Csv(folder.At("out/predictions.csv")).Where(r => r["model"] == "pooled" && r["site"] == "london").ToArray();
        double Sum(string column) => rows.Sum(r => double.Parse(r[column], CultureInfo.InvariantCulture));
        Assert.InRange(Sum("label"), 736, 864);
        Assert.Equal((double)bits[("pooled", "london")]["value"]!, Sum("prediction") / Sum("label") / Math.Log(2), 1e-6);

        string[] arguments = ["generate", "out/models/federated/fedavg", "--prompt", "The ", "--length", "90", "--top-k", "20"];
        var text = await Cli.RunAsync(folder.FullPath, arguments);
        Assert.True(text.ExitCode == 0, text.ToString());
        Assert.StartsWith("The ", text.Output, StringComparison.Ordinal);
        Assert.InRange(text.Output.ReplaceLineEndings("\n").TrimEnd('\n').EnumerateRunes().Count(), 80, 94); // a text may itself end with line ends
        Assert.Equal(text.Output, (await Cli.RunAsync(folder.FullPath, arguments)).Output);

        Assert.Equal(2, (await Cli.RunAsync(folder.FullPath, [.. arguments, "--top-p", "1.5"])).ExitCode);
    }
}
