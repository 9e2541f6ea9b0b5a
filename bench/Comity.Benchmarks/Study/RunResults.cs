using System.Text.Json.Nodes;

namespace Comity.Benchmarks.Study;

/// <summary>Reads numbers out of a run folder's <c>results.json</c>, as any outside reader would.</summary>
internal sealed class RunResults(string folder)
{
    private readonly JsonNode _root = JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "results.json")))!;

    public string? Recommended => (string?)_root["recommended"];

    public IEnumerable<string> Sites => _root["sites"]!.AsArray().Select(s => (string)s!["id"]!);

    public IEnumerable<string> Models => _root["models"]!.AsArray().Select(m => (string)m!["id"]!).Distinct();

    /// <summary>Mean over repeats of a model's metric at a site; <c>*</c> is the union. NaN where there is none.</summary>
    public double Mean(string model, string site, string metric) =>
        _root["summary"]!.AsArray()
            .Where(s => (string)s!["model"]! == model && (string)s["site"]! == site && (string)s["metric"]! == metric)
            .Select(s => (double?)s!["mean"] ?? double.NaN)
            .DefaultIfEmpty(double.NaN)
            .First();
}
