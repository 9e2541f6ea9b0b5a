using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Comity.Tensors.Randomness;

namespace Comity.Benchmarks.Wire;

/// <summary>Three sites with 120 records each, local and common models by two strategies: every kind of task in seconds.</summary>
internal sealed class SmallNetworkStudy
{
    public static readonly IReadOnlyList<string> Sites = ["north", "south", "west"];
    private readonly string _folder;

    public SmallNetworkStudy(string folder, int rounds, string more = "", string quorum = "all")
    {
        _folder = folder;
        Directory.CreateDirectory(folder);
        string Study(Func<string, string> source) => $$"""
            study: small
            seed: 3
            contract:
              label: { column: sick, positive: 1 }
              features:
                - { column: age, kind: number, range: [0, 120] }
                - { column: dose, kind: number }
                - { column: ward, kind: category, values: [a, b, c] }
            markets:
              - { id: here, jurisdiction: US }
              - { id: there, jurisdiction: CH }
            sites:
              - { id: north, market: here{{source("north")}} }
              - { id: south, market: there{{source("south")}} }
              - { id: west, market: here{{source("west")}} }
            split: { test: 0.3, validation: 0.2, stratify: label }
            preprocess: { missing: median, scale: standard }
            model: { kind: mlp, hidden: [8] }
            training: { optimizer: { kind: adam, learningRate: 0.01 }, batch: 16, epochs: 10 }
            evaluation: { bootstrap: 100 }
            arms: [local, federated]
            {{more}}
            federations:
              - { name: average, strategy: fedavg, rounds: {{rounds}}, quorum: {{quorum}} }
              - { name: tuned, strategy: scaffold, rounds: {{rounds}}, quorum: {{quorum}}, training: { optimizer: { kind: sgd, learningRate: 0.05 } }, personalise: { kind: fine-tune, epochs: 2 } }

            """;
        File.WriteAllText(Path.Combine(folder, "local.yaml"), Study(site => $", source: {{ csv: {site}.csv }}"));
        NetworkFile = Path.Combine(folder, "network.yaml");
        File.WriteAllText(NetworkFile, Study(_ => ""));
        foreach (var (site, shift) in Sites.Zip([0, 12, 5])) File.WriteAllText(Path.Combine(folder, $"{site}.csv"), Records(site, shift));
    }

    /// <summary>The study as it is handed in.</summary>
    public string NetworkFile { get; }

    /// <summary>Starts a site's real program.</summary>
    public ChildProcess StartSite(WireFederation federation, string site)
    {
        var file = Path.Combine(_folder, $"{site}.yaml");
        File.WriteAllText(file, $"site: {site}\nstate: {federation.StateOf(site)}\ndata:\n  - source: {{ csv: {site}.csv }}\n");
        return ChildProcess.Start("comity.dll", _folder, ["site", "run", "--config", file, "--lang", "en"]);
    }

    /// <summary>The weights' digests of one process's run.</summary>
    public async Task<SortedDictionary<string, string>> LocalAsync()
    {
        await using var run = ChildProcess.Start("comity.dll", _folder, ["run", "local.yaml", "--out", "local", "--lang", "en"]);
        while (!run.HasExited) await Task.Delay(20);
        return Weights(Path.Combine(_folder, "local", "results.json"));
    }

    /// <summary>Digests of all models' weights in a <c>results.json</c>.</summary>
    public static SortedDictionary<string, string> Weights(string results) =>
        new(JsonNode.Parse(File.ReadAllText(results))!["models"]!.AsArray().ToDictionary(m => $"{m!["id"]}#{m["repeat"]}", m => (string)m!["weightsSha256"]!), StringComparer.Ordinal);

    private static string Records(string site, double shift)
    {
        var random = Seed.Of(1).For("records", site).ToRandom();
        var text = new StringBuilder("age,dose,ward,sick\n");
        for (var i = 0; i < 120; i++)
        {
            var (age, dose) = (40 + shift + (12 * random.NextGaussian()), random.NextGaussian());
            var sick = (0.05 * (age - 45)) + dose + (0.5 * random.NextGaussian()) > 0 ? 1 : 0;
            text.AppendLine(CultureInfo.InvariantCulture, $"{Math.Clamp(age, 1, 110):F1},{dose:F3},{"abc"[random.NextInt32(3)]},{sick}");
        }
        return text.ToString();
    }
}
