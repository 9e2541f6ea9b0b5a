using System.Text.Json.Nodes;

namespace Comity.EndToEnd.Tests;

/// <summary>What a run will take, told before it starts.</summary>
public sealed class EstimateTests(SmallRun run) : IClassFixture<SmallRun>
{
    [Theory]
    [InlineData("federated/average")]
    [InlineData("federated/tuned")]
    public async Task Bytes_and_rounds_are_those_of_the_run(string model)
    {
        var result = await Cli.RunAsync(run.Study.Folder, "estimate", ".", "--json");

        Assert.True(result.ExitCode == 0, result.ToString());
        var estimated = JsonNode.Parse(result.Output)!["models"]!.AsArray().Single(m => (string?)m!["id"] == model)!;
        var trained = RunFiles.Results(run.Folder)["models"]!.AsArray().Where(m => (string?)m!["id"] == model).ToArray();
        Assert.Equal(trained.Sum(m => (long)m!["bytes"]!), (long)estimated["bytes"]!);
        Assert.All(trained, m => Assert.Equal((int)m!["rounds"]!, (int)estimated["rounds"]!));
    }

    [Fact]
    public async Task Bytes_are_those_of_the_encodings()
    {
        using var study = new SmallStudy(study: text => text.Replace("strategy: fedavg, rounds: 8", "strategy: fedavg, rounds: 8, encoding: { updates: bf16, model: bf16 }", StringComparison.Ordinal));
        async Task<long> BytesAsync(string folder)
        {
            var result = await Cli.RunAsync(folder, "estimate", ".", "--json");
            Assert.True(result.ExitCode == 0, result.ToString());
            return (long)JsonNode.Parse(result.Output)!["models"]!.AsArray().Single(m => (string?)m!["id"] == "federated/average")!["bytes"]!;
        }
        var every = await BytesAsync(run.Study.Folder);
        Assert.InRange(await BytesAsync(study.Folder), every / 2, (every / 2) + (2 * 8 * 2 * 4)); // repeats, rounds, sites, and padding both ways
    }

    [Fact]
    public async Task Time_and_memory_are_told_in_words()
    {
        var result = await Cli.RunAsync(run.Study.Folder, "estimate", ".");

        Assert.Equal(0, result.ExitCode);
        Assert.Contains("A run takes about", result.Output, StringComparison.Ordinal);
        Assert.Contains("judging and comparing", result.Output, StringComparison.Ordinal);
    }
}
