using System.Text.Json.Nodes;
using System.Xml.Linq;
using Comity.Testing;

namespace Comity.EndToEnd.Tests;

/// <summary>One command plays the circle with real processes: an alarm in one market and not in the other, a better successor, a promotion.</summary>
public sealed class RehearseTests
{
    [Fact]
    public async Task The_circle_closes_with_an_alarm_in_one_market_and_a_successor_that_is_better_there()
    {
        using var folder = new TempFolder();
        var root = folder.At("loop");

        var played = await CommandProcess.RunComityAsync(["rehearse", Repository.At("examples/loop"), "--out", root], TimeSpan.FromMinutes(5), folder.FullPath);

        Assert.True(played.ExitCode == 0, played.ToString());
        var environment = new Dictionary<string, string?> { ["COMITY_HOME"] = Path.Combine(root, "home"), ["LC_ALL"] = null, ["LANG"] = "C.UTF-8" };
        async Task<CommandResult> Comity(params string[] arguments) => await CommandProcess.RunComityAsync(arguments, TimeSpan.FromMinutes(1), root, environment);

        // Drift and errors: in Hungary, and not in the United States.
        foreach (var (market, alarmed) in new[] { ("hu", true), ("us", false) })
        {
            var summary = JsonNode.Parse((await Comity("feedback", "summary", "--market", market, "--state", $"state/{market}", "--releases", "releases", "--json")).Output)!;
            var first = summary["versions"]!.AsArray().Single(v => (string)v!["version"]! == "1.0.0")!;
            Assert.Equal(alarmed, first["alarm"] is not null);
            var windows = JsonNode.Parse((await Comity("drift", "heart", "--market", market, "--state", $"state/{market}", "--releases", "releases", "--json")).Output)!.AsArray();
            var marker = windows.Where(w => w!["findings"]!.AsArray().Any(f => (bool)f!["alarm"]! && (string)f["column"]! == "marker")).ToList();
            Assert.Equal(alarmed, marker.Count > 0);
        }

        // The successor answers better in Hungary by its own labels.
        var hungary = JsonNode.Parse((await Comity("feedback", "summary", "--market", "hu", "--state", "state/hu", "--releases", "releases", "--json")).Output)!;
        double Accuracy(string version, Func<JsonArray, JsonNode> period) => (double)period(hungary["versions"]!.AsArray().Single(v => (string)v!["version"]! == version)!["periods"]!.AsArray())["metrics"]!["accuracy"]!["value"]!;
        Assert.True(Accuracy("1.1.0", p => p[^1]!) > Accuracy("1.0.0", p => p[^1]!) + 0.1);

        // What the coordinator knew of its nodes at the end.
        var deployments = File.ReadAllText(Path.Combine(root, "deployments.txt"));
        Assert.Contains("hu/hu-1", deployments, StringComparison.Ordinal);
        Assert.Contains("us/us-1", deployments, StringComparison.Ordinal);
        Assert.Contains("heart@1.1.0", deployments, StringComparison.Ordinal);
        var page = XDocument.Parse(File.ReadAllText(Path.Combine(root, "loop.html")).Replace("<!DOCTYPE html>", "", StringComparison.Ordinal));
        Assert.Equal(4, page.Descendants().Count(e => e.Name.LocalName == "figure" || (string?)e.Attribute("aria-labelledby") == "timeline-t timeline-d"));
        Assert.Contains("comity next", File.ReadAllText(Path.Combine(root, "study", "next-study.yaml")), StringComparison.Ordinal);
    }
}
