using System.Text.Json;
using System.Text.Json.Nodes;

namespace Comity.EndToEnd.Tests;

/// <summary>Reads what a run left, with nothing but JSON: as a user's notebook would.</summary>
internal static class RunFiles
{
    public static JsonNode Results(string folder) => JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "results.json")))!;

    /// <summary>SHA-256 of the weights by model and repeat.</summary>
    public static SortedDictionary<string, string> Weights(string folder)
    {
        var weights = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var model in Results(folder)["models"]!.AsArray())
            weights.Add($"{(string?)model!["id"]} #{(int)model["repeat"]!}", (string)model["weightsSha256"]!);
        Assert.NotEmpty(weights);
        return weights;
    }

    /// <summary>Records of predictions.csv by column name (the examples hold no quoted fields).</summary>
    public static IReadOnlyList<IReadOnlyDictionary<string, string>> Csv(string path)
    {
        var lines = File.ReadAllLines(path);
        var header = lines[0].Split(',');
        return [.. lines.Skip(1).Select(line => header.Zip(line.Split(',')).ToDictionary(pair => pair.First, pair => pair.Second, StringComparer.Ordinal))];
    }

    /// <summary>Lines of audit.jsonl.</summary>
    public static IReadOnlyList<JsonElement> Audit(string folder) =>
        [.. File.ReadLines(Path.Combine(folder, "audit.jsonl")).Select(line => JsonSerializer.Deserialize<JsonElement>(line))];
}
