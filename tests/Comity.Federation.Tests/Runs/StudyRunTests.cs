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

    private async Task<Comity.Federation.Results.StudyResults> Run(string rest, Func<StudyRunInput, StudyRunInput>? change = null, string folder = "run")
    {
        var input = _folder.Input(rest, folder: folder);
        using var outcome = await StudyRun.RunAsync(change?.Invoke(input) ?? input, default);
        return outcome.Results;
    }

    [Fact]
    public async Task Without_the_partner_arm_a_site_s_own_model_is_judged_at_home_only()
    {
        var results = await Run("arms: [local, federated]\nfederation: { rounds: 2 }");
        Assert.Equal(["s1"], results.Evaluation.Where(e => e.Model == "local/s1" && e.Split == RowSplit.Test).Select(e => e.Site));
        Assert.DoesNotContain(results.Evaluation, e => e.Model.StartsWith("local/", StringComparison.Ordinal) && e.Split == RowSplit.Validation);
    }

    [Fact]
    public async Task Named_partner_pairs_are_the_only_ones_judged()
    {
        var results = await Run("arms: partner\npartners: [[s0, s2], [s3, s1]]");
        Assert.Equal(["s0", "s2"], results.Evaluation.Where(e => e.Model == "local/s0").Select(e => e.Site));
        Assert.Equal(["s1"], results.Evaluation.Where(e => e.Model == "local/s1").Select(e => e.Site));
    }

    [Fact]
    public async Task An_arm_that_could_not_run_says_why()
    {
        var results = await Run("arms: [local, pooled]", input => input with { Pooled = null, PooledAbsence = "barred-by-policy" });
        Assert.DoesNotContain(results.Models, m => m.Arm == "pooled");
        Assert.Contains(results.Warnings, w => w.Code == "arm-not-run" && w.Arguments.SequenceEqual(["pooled", "barred-by-policy"]));
        Assert.DoesNotContain(results.Evaluation, e => e.Site == "*");
    }

    [Fact]
    public async Task What_a_site_says_of_its_rows_stands_once_with_the_range_over_repeats()
    {
        var sites = RunFolder.Sites(2);
        sites[1] = new LeastSquaresSite("s1", 100) { Says = repeat => [$"few-of-class:{5 + (2 * repeat)}:stage%3A 50%25", "one-class"] };

        using var outcome = await StudyRun.RunAsync(_folder.Input(RunFolder.Study("arms: local\nrepeats: 3", sites: 2), sites), default);

        var said = outcome.Results.Warnings.Where(w => w.Arguments is ["s1", ..]).ToList();
        Assert.Equal(["few-of-class", "one-class"], said.Select(w => w.Code));
        Assert.Equal(["s1", "5", "9", "stage: 50%"], said[0].Arguments);
        Assert.Equal(["s1"], said[1].Arguments);
    }

    [Fact]
    public async Task One_round_of_one_epoch_at_one_site_is_that_site_s_own_training()
    {
        // FedAvg over a cohort of one is local training, so both arms must give the same model up to the rounding of the difference.
        var study = "arms: [local, federated]\nfederation: { rounds: 20, localEpochs: 1, cohort: 1, required: s2 }";
        var input = _folder.Input(study);
        using var outcome = await StudyRun.RunAsync(input, default);
        var local = outcome.Weights(outcome.Results.Models.Single(m => m.Id == "local/s2"));
        var federated = outcome.Weights(outcome.Results.Models.Single(m => m.Arm == "federated"));
        Assert.All(local.Zip(federated), pair => Assert.Equal(pair.First, pair.Second, 1e-5f));
        Assert.Equal(["s2"], outcome.Results.Models.Single(m => m.Arm == "federated").TrainedOn);
    }

    [Fact]
    public async Task One_local_step_with_weights_by_rows_is_a_step_on_all_rows_together()
    {
        // Gradient descent with one step a round is linear in the gradients, so the federation must follow the pooled arm.
        var results = await Run("arms: [pooled, federated]\nfederation: { rounds: 20, localEpochs: 1 }");
        var pooled = results.Evaluation.Single(e => e.Model == "pooled" && e.Site == "*" && e.Split == RowSplit.Test).Result.Metrics["mse"].Value;
        var federated = results.Evaluation.Single(e => e.Model == "federated/fedavg" && e.Site == "*" && e.Split == RowSplit.Test).Result.Metrics["mse"].Value;
        Assert.Equal(pooled, federated, 1e-4 * pooled);
    }

    [Fact]
    public async Task Scaffold_goes_to_the_common_optimum_where_averaging_drifts_to_another_point()
    {
        // One local step a round is gradient descent on the mean loss, hence the reference; thirty let the sites drift apart.
        var sites = Enumerable.Range(0, 4).Select(i => new LeastSquaresSite($"s{i}", 60, i * 0.5)).ToList();
        var study = RunFolder.Study("""
            arms: [federated]
            federations:
              - { name: reference, rounds: 400, localEpochs: 1 }
              - { rounds: 60, localEpochs: 30, strategy: fedavg }
              - { rounds: 60, localEpochs: 30, strategy: scaffold }
            """);
        using var outcome = await StudyRun.RunAsync(_folder.Input(study, sites), default);
        var weights = outcome.Results.Models.ToDictionary(m => m.Id, outcome.Weights);
        double Distance(string id) => Math.Sqrt(weights[id].Zip(weights["federated/reference"], (a, b) => Math.Pow(a - b, 2)).Sum());
        Assert.True(Distance("federated/scaffold") < 0.05 * Distance("federated/fedavg"), $"{Distance("federated/scaffold")} {Distance("federated/fedavg")}");
    }

    [Fact]
    public async Task A_personal_model_fits_its_site_better_than_the_common_one_and_a_strong_pull_keeps_it_near()
    {
        var results = await Run("""
            arms: [federated]
            federations:
              - { name: free, rounds: 10, localEpochs: 2, personalise: { kind: fine-tune, epochs: 50 } }
              - { name: ditto, rounds: 10, localEpochs: 2, personalise: { kind: ditto, lambda: 0.01 } }
              - { name: tight, rounds: 10, localEpochs: 2, personalise: { kind: ditto, lambda: 15 } }
            """);
        double Loss(string id) => results.Evaluation.Single(e => e.Model == id && e.Site == "s3" && e.Split == RowSplit.Test).Result.Metrics["mse"].Value;
        Assert.True(Loss("federated/free+s3") < Loss("federated/free"));
        Assert.True(Loss("federated/ditto+s3") < Loss("federated/ditto"));
        Assert.True(Math.Abs(Loss("federated/tight+s3") - Loss("federated/tight")) < Math.Abs(Loss("federated/ditto+s3") - Loss("federated/ditto")));
    }

    [Fact]
    public async Task Overrides_of_the_training_section_reach_the_sites_of_their_federation_only()
    {
        var sites = RunFolder.Sites(2);
        using var outcome = await StudyRun.RunAsync(_folder.Input(RunFolder.Study("arms: [local, federated]\nfederation: { rounds: 2, training: { batch: 8 } }", 2), sites), default);
        Assert.Equal([null, """{"batch":8}""", """{"batch":8}"""], sites[0].OverridesSeen.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Given_models_are_averaged_and_must_fit()
    {
        const string study = "arms: combined\ncombined: { from: [a.safetensors, b.safetensors] }";
        Dictionary<string, ReadOnlyMemory<float>> Given(float[] b) => new() { ["a.safetensors"] = new float[] { 1, 2, 3, 4 }, ["b.safetensors"] = b };
        using var outcome = await StudyRun.RunAsync(_folder.Input(study) with { GivenModels = Given([3, 2, 1, 0]) }, default);
        Assert.Equal([2, 2, 2, 2], outcome.Weights(outcome.Results.Models.Single()));
        var wrong = await Assert.ThrowsAsync<Comity.Declarations.InvalidDeclarationException>(() => StudyRun.RunAsync(_folder.Input(study, folder: "wrong") with { GivenModels = Given([1]) }, default));
        Assert.Equal("given-model-length", wrong.Problems.Single().Code);
        var missing = await Assert.ThrowsAsync<Comity.Declarations.InvalidDeclarationException>(() => StudyRun.RunAsync(_folder.Input(study, folder: "missing"), default));
        Assert.Equal("given-model-missing", missing.Problems.Single().Code);
    }

    [Fact]
    public async Task Federations_are_chosen_on_validation_rows_and_the_best_score_wins()
    {
        var results = await Run("""
            arms: [federated]
            federations:
              - { name: short, rounds: 1, localEpochs: 1 }
              - { name: long, rounds: 20, localEpochs: 5 }
            """);
        Assert.Equal("federated/long", results.Recommended);
        var candidate = results.Candidates.Single(c => c.Model == "federated/long");
        Assert.Equal(results.Evaluation.Single(e => e.Model == "federated/long" && e.Site == "*" && e.Split == RowSplit.Validation).Result.Metrics["mse"].Value, candidate.ValidationScore);
    }

    [Fact]
    public async Task Progress_tells_the_plan_first_and_every_round_and_trial()
    {
        var told = new List<StudyEvent>();
        var progress = new Told(e => { lock (told) told.Add(e); });
        await Run("arms: [local, federated]\nfederation: { rounds: 3 }", input => input with { Progress = progress });
        var plan = Assert.Single(told.OfType<StudyEvent.Planned>());
        Assert.Equal(5, plan.Trials.Count);
        Assert.True(told.FindIndex(e => e is StudyEvent.Planned) < told.FindIndex(e => e is StudyEvent.TrialStarted));
        Assert.Equal([1, 2, 3], told.OfType<StudyEvent.RoundDone>().Select(r => r.Round));
        Assert.Equal(5, told.OfType<StudyEvent.TrialFinished>().Count());
        Assert.Equal(4 * 20, told.OfType<StudyEvent.EpochDone>().Count());
    }

    private sealed class Told(Action<StudyEvent> tell) : IProgress<StudyEvent>
    {
        public void Report(StudyEvent value) => tell(value);
    }
}
