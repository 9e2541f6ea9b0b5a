using System.Globalization;
using System.Text;
using Comity.Tensors.Randomness;
using Comity.Testing;

namespace Comity.EndToEnd.Tests;

/// <summary>A study of two sites with 120 records each, small enough to be run many times.</summary>
internal sealed class SmallStudy : IDisposable
{
    public const string Yaml = """
        study: small
        seed: 3
        contract:
          label: { column: sick, positive: 1 }
          features:
            - { column: age, kind: number, range: [0, 120] }
            - { column: dose, kind: number }
            - { column: ward, kind: category, values: [a, b, c] }
          sensitive: [ward]
        markets:
          - { id: here, jurisdiction: US }
          - { id: there, jurisdiction: CH }
        sites:
          - { id: north, market: here, source: { csv: north.csv } }
          - { id: south, market: there, source: { csv: south.csv } }
        split: { test: 0.3, validation: 0.2, stratify: label }
        preprocess: { missing: median, scale: standard }
        model: { kind: mlp, hidden: [8] }
        training: { optimizer: { kind: adam, learningRate: 0.01 }, batch: 16, epochs: 20 }
        evaluation: { bootstrap: 100 }
        arms: [local, partner, pooled, federated]
        federations:
          - { name: average, strategy: fedavg, rounds: 8 }
          - { name: tuned, strategy: scaffold, rounds: 8, training: { optimizer: { kind: sgd, learningRate: 0.05 } }, personalise: { kind: fine-tune, epochs: 2 } }
        repeats: 2

        """;

    private readonly TempFolder _folder = new();

    public SmallStudy(Func<string, string>? study = null, Func<string, string>? north = null, Func<string, string>? south = null)
    {
        _folder.Write("study.yaml", Changed(Yaml, study));
        _folder.Write("north.csv", Changed(Records("north", shift: 0), north));
        _folder.Write("south.csv", Changed(Records("south", shift: 12), south));
    }

    public string Folder => _folder.FullPath;

    public string At(params ReadOnlySpan<string> parts) => _folder.At(parts);

    public void Dispose() => _folder.Dispose();

    /// <summary>120 records from a fixed seed; the risk grows with age and dose and differs by ward.</summary>
    public static string Records(string site, int shift, int rows = 120)
    {
        var random = Seed.Of(11).For("records", site).ToRandom();
        var text = new StringBuilder("age,dose,ward,sick\n");
        for (var i = 0; i < rows; i++)
        {
            var age = 45 + shift + 12 * random.NextGaussian();
            var dose = 2 + random.NextGaussian();
            var ward = random.NextInt32(3);
            var risk = 1 / (1 + Math.Exp(-(0.12 * (age - 50 - shift) + 0.9 * (dose - 2) + (ward - 1))));
            var sick = random.NextDouble() < risk ? 1 : 0;
            text.AppendLine(CultureInfo.InvariantCulture, $"{Math.Clamp(age, 1, 110):0.0},{dose:0.00},{"abc"[ward]},{sick}");
        }
        return text.ToString();
    }

    // A change that changes nothing would leave a test that can't fail.
    private static string Changed(string text, Func<string, string>? change)
    {
        if (change is null) return text;
        var changed = change(text);
        Assert.NotEqual(text, changed);
        return changed;
    }
}
