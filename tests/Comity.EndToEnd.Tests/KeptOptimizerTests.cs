using Comity.Tensors.Files;

namespace Comity.EndToEnd.Tests;

/// <summary>Two sites with the same rows, full batches and a kept optimiser: their rounds are the epochs of one site on its own.</summary>
public sealed class KeptOptimizerTests
{
    [Fact]
    public async Task Rounds_with_a_kept_optimiser_are_the_epochs_of_a_training_alone()
    {
        var rows = SmallStudy.Records("north", shift: 0);
        using var study = new SmallStudy(south: _ => rows, study: yaml => yaml[..yaml.IndexOf("arms:", StringComparison.Ordinal)]
            .Replace("split: { test: 0.3, validation: 0.2, stratify: label }", "split: { order: true, test: 0.3 }", StringComparison.Ordinal)
            .Replace("batch: 16, epochs: 20 }", "batch: 1000, epochs: 12 }", StringComparison.Ordinal)
            + """
            arms: [local, federated]
            federations:
              - { name: kept, rounds: 12, optimizerState: kept }
              - { name: reset, rounds: 12 }

            """);

        var result = await Cli.RunAsync(study.Folder, "run", ".", "--out", "out");

        Assert.True(result.ExitCode == 0, result.ToString());
        var (alone, kept, reset) = (Weights(study, "local", "north"), Weights(study, "federated", "kept"), Weights(study, "federated", "reset"));
        Assert.InRange(Farthest(alone, kept), 0, 1e-5);
        Assert.True(Farthest(alone, reset) > 1e-3, "Moments that are forgotten must show, or this test tells nothing.");
    }

    private static float[] Weights(SmallStudy study, string arm, string name) =>
        Safetensors.Read(Directory.GetFiles(study.At("out", "models", arm, name), "*.safetensors").Single()).Parameters;

    private static double Farthest(float[] a, float[] b) => a.Zip(b, (x, y) => Math.Abs((double)x - y)).Max();
}
