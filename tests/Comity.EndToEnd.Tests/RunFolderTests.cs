namespace Comity.EndToEnd.Tests;

/// <summary>Where a run goes when nobody says.</summary>
public sealed class RunFolderTests
{
    [Fact]
    public async Task Runs_of_one_study_lie_side_by_side_and_none_is_overwritten()
    {
        using var study = new SmallStudy(study: text => text.Replace("repeats: 2", "repeats: 1", StringComparison.Ordinal));

        foreach (var _ in new[] { 1, 2 })
        {
            var result = await Cli.RunAsync(study.Folder, "run", ".", "--arms", "local");
            Assert.True(result.ExitCode == 0, result.ToString());
        }
        var again = await Cli.RunAsync(study.Folder, "run", ".", "--arms", "local", "--resume");

        Assert.True(again.ExitCode == 0, again.ToString());
        Assert.Equal(["small-3", "small-3-2"], Directory.EnumerateDirectories(study.At("runs")).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.Equal(RunFiles.Weights(study.At("runs", "small-3")), RunFiles.Weights(study.At("runs", "small-3-2")));
    }

    [Fact]
    public async Task A_stopped_run_is_not_continued_with_other_records()
    {
        using var study = new SmallStudy(study: text => text.Replace("repeats: 2", "repeats: 100", StringComparison.Ordinal));
        await using (var process = Cli.Start(study.Folder, "run", ".", "--out", "out"))
        {
            Assert.True(await process.WaitUntilAsync(p => p.Output.Contains('%', StringComparison.Ordinal), TimeSpan.FromMinutes(4)), process.Error);
            process.Kill();
            await process.EndAsync();
        }
        File.AppendAllText(study.At("north.csv"), "61.0,2.50,b,1\n");

        var result = await Cli.RunAsync(study.Folder, "run", ".", "--out", "out", "--resume");

        Assert.True(result.ExitCode == 4, result.ToString());
        Assert.Contains("another run", result.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_folder_that_a_run_was_killed_in_before_it_said_what_runs_there_is_begun_anew(bool resume)
    {
        using var study = new SmallStudy(study: text => text.Replace("repeats: 2", "repeats: 1", StringComparison.Ordinal));
        Directory.CreateDirectory(study.At("out"));
        File.WriteAllBytes(study.At("out", ".probe.unfinished"), [0]);
        File.WriteAllText(study.At("out", "run.json.unfinished"), "{\"study\":");

        var result = await Cli.RunAsync(study.Folder, ["run", ".", "--arms", "local", "--out", "out", .. resume ? ["--resume"] : Array.Empty<string>()]);

        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.False(File.Exists(study.At("out", "run.json.unfinished")) || File.Exists(study.At("out", ".probe.unfinished")));
    }
}
