using System.Globalization;
using Comity.Tensors.Randomness;
using Comity.Testing;

namespace Comity.EndToEnd.Tests;

/// <summary>A study that tags words: one site has sentences a token a line, the other a table; trained, judged, federated and applied.</summary>
public sealed class TaggingTests
{
    private const string Yaml = """
        study: names
        seed: 3
        contract:
          label: { column: tags, kind: tags, classes: [O, B-PER, I-PER, B-LOC] }
          features: [{ column: words, kind: text, tokens: 12, tokenizer: words, buckets: 512 }]
        markets:
          - { id: here, jurisdiction: US }
          - { id: there, jurisdiction: CH }
        sites:
          - { id: north, market: here, source: { conll: north.conll } }
          - { id: south, market: there, source: { csv: south.csv } }
        split: { test: 0.3 }
        clean: { duplicates: keep }
        model: { kind: gru, hidden: [24], embedding: 16, bidirectional: true }
        training: { optimizer: { kind: adam, learningRate: 0.01 }, batch: 16, epochs: 12 }
        evaluation: { bootstrap: 100 }
        arms: [local, pooled, federated]
        federation: { strategy: fedavg, rounds: 6, localEpochs: 2 }

        """;

    [Fact]
    public async Task Words_are_tagged_by_a_model_that_two_sites_trained()
    {
        using var folder = new TempFolder();
        folder.Write("study.yaml", Yaml);
        folder.Write("north.conll", string.Join('\n', Sentences("north", 160).Select(s => string.Concat(s.Select(w => $"{w.Word} {w.Tag}\n")))));
        folder.Write("south.csv", "words,tags\n" + string.Concat(Sentences("south", 160).Select(s => $"{string.Join(' ', s.Select(w => w.Word))},{string.Join(' ', s.Select(w => w.Tag))}\n")));

        var result = await Cli.RunAsync(folder.FullPath, "run", ".", "--out", "out");
        Assert.True(result.ExitCode == 0, result.ToString());

        var results = RunFiles.Results(folder.At("out"));
        Assert.Equal("tagging", (string?)results["task"]);
        Assert.Equal("entityF1", (string?)results["primaryMetric"]);
        var metrics = results["evaluation"]!.AsArray().Where(e => (string?)e!["split"] == "test" && e["site"] is not null)
            .ToDictionary(e => ((string)e!["model"]!, (string)e["site"]!), e => e!["result"]!["metrics"]!);
        foreach (var site in new[] { "north", "south" })
        {
            Assert.InRange((double)metrics[("pooled", site)]["entityF1"]!["value"]!, 0.85, 1);
            Assert.InRange((double)metrics[("federated/fedavg", site)]["entityF1"]!["value"]!, 0.8, 1);
            Assert.InRange((double)metrics[("federated/fedavg", site)]["tokenAccuracy"]!["value"]!, 0.9, 1);
        }

        // Anyone can reckon the metrics again from the sums that stand sentence by sentence.
        var rows = RunFiles.Csv(folder.At("out/predictions.csv")).Where(r => r["model"] == "federated/fedavg" && r["site"] == "south").ToArray();
        double Sum(string column) => rows.Sum(r => double.Parse(r[column], CultureInfo.InvariantCulture));
        Assert.Equal((double)metrics[("federated/fedavg", "south")]["entityF1"]!["value"]!, 2 * Sum("sum:matched") / (Sum("sum:entities") + Sum("sum:found")), 1e-9);
        Assert.Equal((double)metrics[("federated/fedavg", "south")]["tokenAccuracy"]!["value"]!, Sum("sum:right") / Sum("label"), 1e-9);
        Assert.Contains("entity F1", File.ReadAllText(folder.At("out/report.html")), StringComparison.Ordinal);

        // New sentences, as a table and a token a line, get the same tags.
        folder.Write("new.csv", "words\nDr Bela Kis lives in Bern\nin Pest we saw Dr Eva Nagy and she lives there and we are glad\n");
        folder.Write("new.conll", "Dr\nBela\nKis\nlives\nin\nBern\n");
        var predicted = await Cli.RunAsync(folder.FullPath, "predict", "out/models/federated/fedavg", "--input", "new.csv", "--output", "tags.csv");
        Assert.True(predicted.ExitCode == 0, predicted.ToString());
        var tags = RunFiles.Csv(folder.At("tags.csv")).ToArray();
        Assert.Equal("O B-PER I-PER O O B-LOC", tags[0]["tags"]);
        Assert.Equal("Dr Bela Kis lives in Bern", tags[0]["words"]);
        Assert.Equal(12, tags[1]["tags"].Split(' ').Length);
        Assert.Equal("cut-after:12", tags[1]["notes"]);
        Assert.Equal(0, (await Cli.RunAsync(folder.FullPath, "predict", "out/models/federated/fedavg", "--input", "new.conll", "--output", "lines.csv")).ExitCode);
        Assert.Equal(tags[0]["tags"], RunFiles.Csv(folder.At("lines.csv")).Single()["tags"]);
    }

    [Fact]
    public async Task What_does_not_go_with_tags_is_refused_by_name()
    {
        using var folder = new TempFolder();
        folder.Write("north.conll", "Dr O\nBela B-PER\nKis I-LOC\n");
        folder.Write("south.csv", "words,tags\nDr Bela,O\n");
        folder.Write("study.yaml", Yaml.Replace("model: { kind: gru, hidden: [24], embedding: 16, bidirectional: true }", "model: { kind: mlp, hidden: [8] }", StringComparison.Ordinal)
            + "privacy: { differentialPrivacy: { unit: record, epsilon: 8, delta: 1e-5, clip: 1 } }\n");
        var result = await Cli.RunAsync(folder.FullPath, "check", ".");
        Assert.Equal(3, result.ExitCode);
        Assert.Contains("model-needs-task", result.Error, StringComparison.Ordinal);
        Assert.Contains("tags-exclude", result.Error, StringComparison.Ordinal);

        folder.Write("study.yaml", Yaml);
        result = await Cli.RunAsync(folder.FullPath, "check", ".");
        Assert.Equal(3, result.ExitCode);
        Assert.Contains("tag-unknown", result.Error, StringComparison.Ordinal);
        Assert.Contains("tag-count", result.Error, StringComparison.Ordinal);
    }

    // A person follows "Dr", with one name or two; a place follows "in".
    private static IEnumerable<(string Word, string Tag)[]> Sentences(string site, int count)
    {
        var random = Seed.Of(5).For(site).ToRandom();
        string[] first = ["Anna", "Bela", "Eva", "Imre", "Judit", "Pal"], last = ["Kis", "Nagy", "Toth", "Horn"], places = ["Bern", "Pest", "Ulm", "Graz"], others = ["we", "saw", "lives", "and", "today", "glad", ";"];
        for (var i = 0; i < count; i++)
        {
            var sentence = new List<(string, string)>();
            var parts = 2 + random.NextInt32(2);
            for (var p = 0; p < parts; p++)
            {
                for (var o = random.NextInt32(2); o >= 0; o--) sentence.Add((others[random.NextInt32(others.Length)], "O"));
                if (random.NextInt32(2) == 0) sentence.AddRange([("in", "O"), (places[random.NextInt32(places.Length)], "B-LOC")]);
                else
                {
                    sentence.AddRange([("Dr", "O"), (first[random.NextInt32(first.Length)], "B-PER")]);
                    if (random.NextInt32(2) == 0) sentence.Add((last[random.NextInt32(last.Length)], "I-PER"));
                }
            }
            yield return [.. sentence];
        }
    }
}
