using Comity.Federation.Runs;
using Comity.Federation.Sites;

namespace Comity.Federation.Tests.Runs;

public sealed class StudyRunTests : IDisposable
{
    private const string Everything = """
        arms: [local, partner, pooled, federated, combined]
        repeats: 2
        federations:
          - { rounds: 4, localEpochs: 5, strategy: fedavg }
          - { name: adam, rounds: 4, localEpochs: 5, strategy: { kind: fedadam }, personalise: { kind: fine-tune } }
          - { rounds: 4, localEpochs: 5, strategy: scaffold }
          - { name: ditto, rounds: 4, localEpochs: 5, personalise: ditto }
        combined: [{ by: average }, { by: { kind: fine-tune, rounds: 2 } }, { by: { kind: distil, rounds: 3 } }]
        """;

    private readonly RunFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_study_with_every_arm_gives_every_model_judged_everywhere()
    {
        using var outcome = await StudyRun.RunAsync(_folder.Input(Everything) with { WithPredictions = true }, CancellationToken.None);
        var results = outcome.Results;

        var ids = results.Models.Where(m => m.Repeat == 1).Select(m => m.Id).ToList();
        Assert.Equal(
            ["local/s0", "local/s1", "local/s2", "local/s3", "pooled", "federated/fedavg", "federated/adam", "federated/adam+s0", "federated/adam+s1", "federated/adam+s2", "federated/adam+s3",
             "federated/scaffold", "federated/ditto", "federated/ditto+s0", "federated/ditto+s1", "federated/ditto+s2", "federated/ditto+s3", "combined/average", "combined/fine-tune", "combined/distil"], ids);
        foreach (var id in ids)
            Assert.Equal(["s0", "s1", "s2", "s3", "*"], results.Evaluation.Where(e => e.Model == id && e.Repeat == 0 && e.Split == RowSplit.Test).Select(e => e.Site));
        Assert.Equal(4, results.Candidates.Count);
        Assert.Contains(results.Recommended, results.Candidates.Select(c => c.Model));
        Assert.Contains(results.Benefit, b => b is { Site: null, Market: "us", Candidate: "federated/adam+*", Test: "corrected-resampled-t" });
        Assert.Contains(results.Benefit, b => b is { Site: "s2", Candidate: "federated/adam+s2" });
        Assert.Equal(4 * 4 * 4 * (4 + 4), results.Models.First(m => m.Id == "federated/fedavg").Bytes); // rounds · P · bytes of a float · (to and from each site)
        Assert.NotEmpty(outcome.Predictions());
        Assert.All(results.Evaluation, e => Assert.Empty(e.Result.Predictions));
    }
}
