using Comity.Tensors.Randomness;

namespace Comity.EndToEnd.Tests;

/// <summary>Promise 2: same study, same bits.</summary>
public sealed class SameBitsTests(SmallRun first) : IClassFixture<SmallRun>
{
    [Theory]
    [InlineData("--jobs", "1")]
    [InlineData("--jobs", "2")]
    [InlineData("--jobs", "2", "--threads", "3")]
    public async Task Any_number_of_jobs_and_threads_gives_the_same_weights(params string[] options)
    {
        using var study = new SmallStudy();

        var result = await Cli.RunAsync(study.Folder, ["run", ".", "--out", "out", .. options]);

        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.Equal(RunFiles.Weights(first.Folder), RunFiles.Weights(study.At("out")));
    }

    [Fact]
    public async Task Another_seed_gives_other_weights()
    {
        using var study = new SmallStudy();

        await Cli.RunAsync(study.Folder, "run", ".", "--out", "out", "--seed", "4");

        Assert.NotEqual(RunFiles.Weights(first.Folder), RunFiles.Weights(study.At("out")));
    }

    [Fact]
    public async Task A_run_that_is_killed_again_and_again_ends_with_the_same_weights()
    {
        using var study = new SmallStudy();
        var moments = Seed.Of(5).For("kills").ToRandom();
        for (var kill = 0; kill < 5; kill++)
        {
            await using var process = Cli.Start(study.Folder, "run", ".", "--out", "out", "--resume");
            await Task.Delay(150 + moments.NextInt32(900));
            process.Kill();
            await process.EndAsync();
        }

        var last = await Cli.RunAsync(study.Folder, "run", ".", "--out", "out", "--resume");

        Assert.True(last.ExitCode == 0, last.ToString());
        Assert.Equal(RunFiles.Weights(first.Folder), RunFiles.Weights(study.At("out")));
        Assert.Empty(Directory.EnumerateFiles(study.At("out"), "*.unfinished", SearchOption.AllDirectories));
    }

    [Fact]
    public async Task A_forced_vector_width_is_recorded()
    {
        using var study = new SmallStudy();

        var result = await Cli.RunAsync(study.Folder, "run", ".", "--out", "out", "--width", "128", "--arms", "local");

        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.Equal(128, (int)RunFiles.Results(study.At("out"))["environment"]!["vectorBits"]!);
    }
}
