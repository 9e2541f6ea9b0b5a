using System.Text.Json.Nodes;

namespace Comity.EndToEnd.Tests;

/// <summary>Learning rates tried before a run.</summary>
public sealed class LearningRateTests(SmallRun run) : IClassFixture<SmallRun>
{
    [Fact]
    public async Task Each_site_and_each_way_of_training_gets_a_rate_at_which_the_loss_falls()
    {
        var result = await Cli.RunAsync(run.Study.Folder, "learning-rate", ".", "--json", "--steps", "200");

        Assert.True(result.ExitCode == 0, result.ToString());
        var trials = JsonNode.Parse(result.Output)!.AsArray();
        Assert.Equal(trials.Count, trials.Select(t => ((string?)t!["model"], (string?)t["site"])).Distinct().Count());
        Assert.True(trials.Select(t => (string?)t!["site"]).Distinct().Count() > 1, result.Output);
        foreach (var trial in trials)
        {
            double[] rates = [.. trial!["rates"]!.AsArray().Select(r => (double)r!)], losses = [.. trial["losses"]!.AsArray().Select(l => (double)l!)];
            Assert.Equal(rates.Order(), rates);
            Assert.Equal(rates.Length, losses.Length);
            Assert.Equal(rates[Array.IndexOf(losses, losses.Min())] / 10, (double)trial["suggested"]!, 1e-12);
            Assert.True(losses.Min() < losses[0], result.Output);
        }
    }

    [Fact]
    public async Task The_table_says_what_the_study_says_too()
    {
        var result = await Cli.RunAsync(run.Study.Folder, "learning-rate", ".");

        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.Contains("in the study", result.Output, StringComparison.Ordinal);
        Assert.Contains("local/*", result.Output, StringComparison.Ordinal);
        Assert.Contains("Trying rates", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Protected_records_are_not_looked_at()
    {
        using var study = new SmallStudy(study: PrivateStudyTests.Private);
        var result = await Cli.RunAsync(study.Folder, "learning-rate", ".");

        Assert.Equal(3, result.ExitCode);
        Assert.Contains("learning-rate-uncharged", result.Error, StringComparison.Ordinal);
    }
}
