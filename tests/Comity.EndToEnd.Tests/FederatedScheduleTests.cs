namespace Comity.EndToEnd.Tests;

/// <summary>A federation's learning rate ends with its last round, whatever number of epochs the other arms train.</summary>
public sealed class FederatedScheduleTests
{
    [Fact]
    public async Task A_schedule_spans_the_rounds_unless_the_federation_says_how_many_epochs()
    {
        var silent = await WeightsAsync("");
        var spoken = await WeightsAsync(", training: { epochs: 8 }");
        var shorter = await WeightsAsync(", training: { epochs: 2 }");

        Assert.Equal(spoken, silent);
        Assert.NotEqual(spoken, shorter);
    }

    private static async Task<SortedDictionary<string, string>> WeightsAsync(string training)
    {
        using var study = new SmallStudy(yaml => yaml[..yaml.IndexOf("federations:", StringComparison.Ordinal)]
            .Replace("epochs: 20 }", "epochs: 2, schedule: cosine }", StringComparison.Ordinal)
            + $$"""
            federations:
              - { name: average, strategy: fedavg, rounds: 4, localEpochs: 2{{training}} }

            """);

        var result = await Cli.RunAsync(study.Folder, "run", ".", "--out", "out", "--arms", "federated");

        Assert.True(result.ExitCode == 0, result.ToString());
        return RunFiles.Weights(study.At("out"));
    }
}
