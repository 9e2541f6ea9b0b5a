using System.Text.RegularExpressions;
using Comity.Testing;

namespace Comity.EndToEnd.Tests;

/// <summary>Training that runs away stops with a message that teaches.</summary>
public sealed partial class DivergenceTests
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
        Assert.Matches(Broke(), result.Error);
        Assert.False(File.Exists(study.At("out", "results.json")));
    }

    [Fact]
    public async Task Over_a_network_the_author_reads_who_diverged_and_the_steward_where()
    {
        string[] sites = ["north", "south"];
        using var folder = new TempFolder();
        NetworkFiles.Write(folder, sites, """
            model: { kind: mlp, hidden: [8] }
            training: { optimizer: { kind: sgd, learningRate: 100000 }, batch: 16, epochs: 2 }
            arms: [federated]
            federation: { strategy: fedavg, rounds: 2 }
            """);
        await using var federation = await FederationProcesses.StartAsync(folder.FullPath, sites);

        var watched = await federation.AuthorAsync("submit", "network.yaml", "--watch");

        Assert.True(watched.ExitCode == 5, watched + federation.Said());
        Assert.Contains("remedy:", watched.Error, StringComparison.Ordinal);
        Assert.Contains("learning rate", watched.Error, StringComparison.OrdinalIgnoreCase);
        Assert.Matches("federated/fedavg.*(north|south)", watched.Error.ReplaceLineEndings(" "));
        // The operation stays with the people whose records it read.
        Assert.DoesNotMatch(Broke(), watched.Error);
        Assert.True(sites.Any(site => Broke().IsMatch(federation.ErrorOf(site))), federation.Said());
    }

    // The operation and the parameters that it reads, or the length of the gradient, in the step where it broke.
    [GeneratedRegex(@"(\w+ .*of |the length of the gradient).*in step [1-9]")]
    private static partial Regex Broke();
}
