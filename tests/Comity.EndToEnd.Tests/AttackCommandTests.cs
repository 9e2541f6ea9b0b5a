using System.Text.Json.Nodes;

namespace Comity.EndToEnd.Tests;

public sealed class AttackCommandTests(SmallRun run) : IClassFixture<SmallRun>
{
    [Fact]
    public async Task A_runs_model_is_attacked_and_the_report_says_what_was_found_and_from_how_many_records()
    {
        var attacked = await Cli.RunAsync(run.Study.Folder, "attack", "out", "--study", ".", "--shadows", "4");

        Assert.True(attacked.ExitCode == 0, attacked.ToString());
        var found = JsonNode.Parse(File.ReadAllText(Path.Combine(run.Folder, "attack.json")))!;
        // Nothing protects this run's updates, so most single records come back as they were; a record that moves no unit tells nothing.
        var inversion = found["gradientInversion"]!;
        Assert.True((int)inversion["exact"]! > 0.9 * (int)inversion["records"]!, found.ToJsonString());
        var membership = found["membershipInference"]!;
        Assert.InRange((double)membership["auc"]!, (double)membership["low"]!, (double)membership["high"]!);
        Assert.Equal(4, (int)membership["shadows"]!);
        Assert.Contains("proves nothing", File.ReadAllText(Path.Combine(run.Folder, "attack.md")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Another_study_or_a_model_that_is_not_there_is_refused()
    {
        using var other = new SmallStudy(y => y.Replace("repeats: 2", "repeats: 3", StringComparison.Ordinal));
        Assert.Equal(3, (await Cli.RunAsync(run.Study.Folder, "attack", "out", "--study", other.Folder)).ExitCode);
        var missing = await Cli.RunAsync(run.Study.Folder, "attack", "out", "--study", ".", "--model", "federated/none");
        Assert.Equal(2, missing.ExitCode);
        Assert.Contains("federated/average", missing.Error, StringComparison.Ordinal);
        var few = await Cli.RunAsync(run.Study.Folder, "attack", "out", "--study", ".", "--shadows", "3");
        Assert.Equal(2, few.ExitCode);
        Assert.Contains("attack-shadows", few.Error, StringComparison.Ordinal);
    }
}
