namespace Comity.EndToEnd.Tests;

/// <summary>A site that no model learns from: judged like the others, and without a trace in any weight.</summary>
public sealed class UnseenMarketTests
{
    private const string South = "  - { id: south, market: there, source: { csv: south.csv } }\n";

    [Fact]
    public async Task A_market_without_training_rows_is_judged_and_leaves_every_weight_as_it_was()
    {
        using var without = new SmallStudy(yaml => yaml.Replace("repeats: 2", "repeats: 1", StringComparison.Ordinal));
        using var with = new SmallStudy(yaml => yaml.Replace("repeats: 2", "repeats: 1", StringComparison.Ordinal)
            .Replace("  - { id: there, jurisdiction: CH }\n", "  - { id: there, jurisdiction: CH }\n  - { id: new, jurisdiction: FR }\n", StringComparison.Ordinal)
            .Replace(South, South + "  - { id: east, market: new, source: { csv: east.csv }, trains: false }\n", StringComparison.Ordinal));
        File.WriteAllText(with.At("east.csv"), SmallStudy.Records("east", shift: 5));
        foreach (var study in new[] { without, with })
        {
            var run = await Cli.RunAsync(study.Folder, "run", "study.yaml", "--out", "out");
            Assert.True(run.ExitCode == 0, run.ToString());
        }
        var (before, after) = (RunFiles.Results(without.At("out")), RunFiles.Results(with.At("out")));
        Assert.Equal(Weights(before), Weights(after));
        Assert.DoesNotContain(after["models"]!.AsArray().SelectMany(m => m!["trainedOn"]!.AsArray()), s => (string)s! == "east");
        var judged = after["evaluation"]!.AsArray().Where(e => (string?)e!["site"] == "east" && (string?)e["split"] == "test").Select(e => (string)e!["model"]!).ToHashSet();
        Assert.Superset(new HashSet<string> { "pooled", "federated/average", "federated/tuned", "local/north", "local/south" }, judged);
        Assert.DoesNotContain(after["evaluation"]!.AsArray(), e => (string?)e!["site"] == "east" && (string?)e["split"] != "test" && (int)e["result"]!["rows"]! > 0);
        Assert.DoesNotContain(after["benefit"]!.AsArray(), b => ((string?)b!["market"])?.Contains("new", StringComparison.Ordinal) == true);
        // A third of its 120 rows, none of the rest.
        var site = after["sites"]!.AsArray().Single(s => (string?)s!["id"] == "east")!;
        Assert.Equal((0, 36), ((int)site["trainingRows"]!, (int)site["testRows"]!));
    }

    [Theory]
    [InlineData("trains: false }\n  - { id: south, market: there, source: { csv: south.csv } }", "federation-of-one")]
    [InlineData("trains: false }\n  - { id: south, market: there, source: { csv: south.csv }, trains: false }", "no-site-trains")]
    public async Task Nothing_to_learn_from_is_refused(string sites, string code)
    {
        using var study = new SmallStudy(yaml => yaml.Replace("source: { csv: north.csv } }\n" + South, "source: { csv: north.csv }, " + sites + "\n", StringComparison.Ordinal));
        var check = await Cli.RunAsync(study.Folder, "check", "study.yaml");
        Assert.Equal(3, check.ExitCode);
        Assert.Contains(code, check.ToString(), StringComparison.Ordinal);
    }

    private static Dictionary<string, string> Weights(System.Text.Json.Nodes.JsonNode results) =>
        results["models"]!.AsArray().ToDictionary(m => (string)m!["id"]!, m => (string)m!["weightsSha256"]!);
}
