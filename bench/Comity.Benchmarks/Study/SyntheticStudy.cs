using System.Globalization;
using System.Text;
using Comity.Tensors.Randomness;

namespace Comity.Benchmarks.Study;

/// <summary>Writes a study over generated sites: eight numbers, a label that follows a logistic rule shifted a little by site.</summary>
internal static class SyntheticStudy
{
    private const int Features = 8;

    /// <summary>Writes the study and a CSV file for each site, and returns the study's folder.</summary>
    public static string Write(string folder, int sites, int rows, string hidden, int rounds, string strategy = "fedavg")
    {
        var culture = CultureInfo.InvariantCulture;
        var study = new StringBuilder();
        study.AppendLine(culture, $$"""
            study: synthetic-{{sites}}
            seed: 7
            contract:
              label: { column: y, positive: "1" }
              features:
            """);
        for (var j = 0; j < Features; j++) study.AppendLine(culture, $"    - {{ column: x{j}, kind: number }}");
        study.AppendLine("markets: [{ id: a, jurisdiction: US }, { id: b, jurisdiction: DE }]\nsites:");
        var seed = Seed.Of(7);
        for (var i = 0; i < sites; i++)
        {
            study.AppendLine(culture, $"  - {{ id: s{i:0000}, market: {(i % 2 == 0 ? 'a' : 'b')}, source: {{ csv: s{i:0000}.csv }} }}");
            File.WriteAllText(Path.Combine(folder, $"s{i:0000}.csv"), Records(seed.For("site", i).ToRandom(), rows));
        }
        study.AppendLine(culture, $$"""
            split: { test: 0.34, stratify: label }
            preprocess: { missing: mean, scale: standard }
            model: { kind: mlp, hidden: {{hidden}}, activation: relu }
            training: { loss: cross-entropy, optimizer: { kind: sgd, learningRate: 0.05 }, batch: 32, epochs: 1 }
            arms: [federated]
            federation: { strategy: { kind: {{strategy}} }, rounds: {{rounds}}, localEpochs: 1, quorum: all }
            """);
        File.WriteAllText(Path.Combine(folder, "study.yaml"), study.ToString());
        return folder;
    }

    private static string Records(SeededRandom random, int rows)
    {
        var culture = CultureInfo.InvariantCulture;
        var text = new StringBuilder(string.Join(',', Enumerable.Range(0, Features).Select(j => $"x{j}")) + ",y\n");
        var shift = 0.3 * random.NextGaussian();
        for (var r = 0; r < rows; r++)
        {
            var score = shift;
            for (var j = 0; j < Features; j++)
            {
                var x = random.NextGaussian();
                score += x * (j % 2 == 0 ? 0.8 : -0.5);
                text.Append(x.ToString("0.####", culture)).Append(',');
            }
            text.Append(random.NextDouble() < 1 / (1 + Math.Exp(-score)) ? '1' : '0').Append('\n');
        }
        return text.ToString();
    }
}
