namespace Comity.EndToEnd.Tests;

/// <summary>Ctrl-C and SIGTERM stop a run at a safe place.</summary>
public sealed class InterruptionTests
{
    private const string Long = "repeats: 200";

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_run_that_is_interrupted_says_how_to_go_on(bool terminate)
    {
        using var study = new SmallStudy(study: text => text.Replace("repeats: 2", Long, StringComparison.Ordinal));
        await using var process = Cli.Start(study.Folder, "run", ".", "--out", "out");
        Assert.True(await process.WaitUntilAsync(p => p.Output.Contains('%', StringComparison.Ordinal), TimeSpan.FromMinutes(4)), process.Error);

        if (terminate) process.Terminate();
        else process.Interrupt();
        var result = await process.EndAsync();

        Assert.True(result.ExitCode == 130, result.ToString());
        Assert.Contains("--resume", result.Error, StringComparison.Ordinal);
        Assert.False(File.Exists(study.At("out", "results.json")));
        Assert.False(File.Exists(study.At("out", "report.html")));
    }
}
