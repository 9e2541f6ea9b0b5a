namespace Comity.EndToEnd.Tests;

/// <summary>Training that runs away stops with a message that teaches.</summary>
public sealed class DivergenceTests
{
    [Theory]
    [InlineData("local", "north")]
    [InlineData("federated", "round")]
    public async Task Diverging_training_names_model_site_and_remedy(string arm, string named)
    {
        using var study = new SmallStudy(study: text => text
            .Replace("{ kind: adam, learningRate: 0.01 }", "{ kind: sgd, learningRate: 100000 }", StringComparison.Ordinal)
            .Replace("{ kind: sgd, learningRate: 0.05 }", "{ kind: sgd, learningRate: 100000 }", StringComparison.Ordinal));

        var result = await Cli.RunAsync(study.Folder, "run", ".", "--out", "out", "--arms", arm, "--jobs", "1");

        Assert.True(result.ExitCode == 5, result.ToString());
        Assert.Contains("remedy:", result.Error, StringComparison.Ordinal);
        Assert.Contains("learning rate", result.Error, StringComparison.OrdinalIgnoreCase);
        Assert.Contains(named, result.Error, StringComparison.Ordinal);
        // The operation and the parameters that it reads, or the length of the gradient, in the step where it broke.
        Assert.Matches(@"Where it broke: (\w+ .*of |the length of the gradient).*in step [1-9]", result.Error);
        Assert.False(File.Exists(study.At("out", "results.json")));
    }
}
