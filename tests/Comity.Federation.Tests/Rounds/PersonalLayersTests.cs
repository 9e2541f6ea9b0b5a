using Comity.Federation.Rounds;
using Comity.Federation.Sites;
using Comity.Federation.Strategies;
using Comity.Tensors.Parameters;

namespace Comity.Federation.Tests.Rounds;

/// <summary>What a site keeps for itself never enters its update, and is there again in the next round.</summary>
public sealed class PersonalLayersTests : IDisposable
{
    private static readonly ParameterLayout Layout = new([new("w", [2], 0), new("scale", [1], 2, ParameterRole.BatchNorm), new("mean", [1], 3, ParameterRole.BatchNormStatistic)]);

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("comity-site-");
    private readonly Shift _work = new();

    public void Dispose() => _folder.Delete(recursive: true);

    /// <summary>Training that adds 1 to all parameters, less a tenth of the correction.</summary>
    private sealed class Shift : ISiteWork
    {
        public List<TrainingTask> Tasks { get; } = [];

        public string Site => "a";

        public ValueTask<TrainingResult> TrainAsync(TrainingTask task, CancellationToken cancellationToken)
        {
            // Buffers are the site's again afterwards.
            Tasks.Add(task with { GradientCorrection = task.GradientCorrection.ToArray(), OptimizerState = [.. task.OptimizerState.Select(v => (ReadOnlyMemory<float>)v.ToArray())] });
            return new(new TrainingResult
            {
                Parameters = task.Parameters.ToArray().Select((x, i) => x + 1 - (task.GradientCorrection.IsEmpty ? 0 : 0.1f * task.GradientCorrection.Span[i])).ToArray(),
                Rows = 10, Steps = 2, LearningRateSum = 0.2, NormalizedSteps = 2, LossByEpoch = [1],
                OptimizerState = task.KeepOptimizerState is { } lend ? [Filled(lend(4), task.Round), Filled(lend(2), 10 * task.Round)] : [],
            });
        }

        private static ReadOnlyMemory<float> Filled(Memory<float> lent, float value)
        {
            lent.Span.Fill(value);
            return lent;
        }

        public ValueTask<Statistics> CollectAsync(StatisticsTask task, CancellationToken cancellationToken) => new(Statistics.None);

        public ValueTask<EvaluationResult> EvaluateAsync(EvaluationTask task, CancellationToken cancellationToken) => throw new NotSupportedException();

        public ValueTask<ComparisonResult> CompareAsync(ComparisonTask task, CancellationToken cancellationToken) => throw new NotSupportedException();
    }

    private sealed class Caught : IUpdateSink
    {
        public float[] Body { get; private set; } = [];

        public string? Accept(UpdateHeader header, ReadOnlySpan<float> body)
        {
            Body = body.ToArray();
            return null;
        }

        public string? AcceptFile(UpdateHeader header, string path) => throw new InvalidOperationException("A site in this process sends no files.");

        public void Progressed()
        {
        }
    }

    private async Task<float[]> Round(int round, float[] given, PersonaliseSection? personalise = null, float[]? control = null, bool keeps = false, int? after = null)
    {
        var slots = new WorkSlots(1);
        var sink = new Caught();
        // A channel anew for each round, as after a crash: all it knows lies in the site's folder.
        var channel = new InProcessChannel(_work, Layout, new SiteMemory(_folder.FullName, null), slots);
        var reply = await channel.OfferAsync(Offer(round, given, personalise, control) with { KeepsOptimizer = keeps, LastContribution = after ?? round - 1 }, sink, default);
        Assert.IsType<RoundReply.Delivered>(reply);
        return sink.Body;
    }

    private static RoundOffer Offer(int round, float[] given, PersonaliseSection? personalise, float[]? control) => new()
    {
        Model = "federated/x", Repeat = 0, Round = round, LayoutDigest = Layout.Digest, Parameters = given, Agreed = Statistics.None, Epochs = 1,
        Personalise = personalise, ServerControl = control, LastContribution = round - 1,
    };

    [Fact]
    public async Task FedBN_keeps_normalisation_at_the_site()
    {
        Assert.Equal((float[])[1, 1, 0, 0], await Round(1, [0, 0, 5, 5], new FedBnSection()));
        Assert.Equal((float[])[1, 1, 0, 0], await Round(2, [7, 7, 5, 5], new FedBnSection()));
        Assert.Equal((float[])[7, 7, 6, 6], _work.Tasks[1].Parameters.ToArray()); // the common weights with the site's own normalisation

        var slots = new WorkSlots(1);
        var channel = new InProcessChannel(_work, Layout, new SiteMemory(_folder.FullName, null), slots);
        var own = await channel.PersonaliseAsync(Offer(3, [9, 9, 5, 5], new FedBnSection(), null), default);
        Assert.Equal((float[])[9, 9, 7, 7], own.Parameters.ToArray());
    }

    [Fact]
    public async Task Ditto_trains_its_own_model_beside_the_common_one_and_pulls_it_to_what_was_given()
    {
        Assert.Equal((float[])[1, 1, 1, 1], await Round(1, [0, 0, 0, 0], new DittoSection { Lambda = 0.5 }));
        Assert.Equal((float[])[1, 1, 1, 1], await Round(2, [4, 4, 4, 4], new DittoSection { Lambda = 0.5 }));
        var personal = _work.Tasks.Where(t => t.Model == "federated/x+a").ToList();
        Assert.Equal((float[])[1, 1, 1, 1], personal[1].Parameters.ToArray());
        Assert.Equal((float[])[4, 4, 4, 4], personal[1].Anchor.ToArray());
        Assert.Equal(0.5f, personal[1].Proximal);
    }

    [Fact]
    public async Task Scaffold_updates_its_variate_by_option_two_and_leaves_statistics_alone()
    {
        // y − x = 1 on zero control: Δc = −c − 1/0.2.
        Assert.Equal((float[])[1, 1, 1, 1, -5, -5, -5, 0], await Round(1, [0, 0, 0, 0], control: [0, 0, 0, 0]));
        // Then the correction is c − cᵢ = 0.5 + 5 and Δ = 1 − 0.55: Δc = −0.5 − 0.45/0.2 = −2.75.
        var second = await Round(2, [0, 0, 0, 0], control: [0.5f, 0.5f, 0.5f, 0]);
        Assert.Equal(5.5f, _work.Tasks[1].GradientCorrection.Span[0]);
        Assert.Equal(-2.75f, second[4], 1e-5f);
        Assert.Equal(0, second[7]);
    }

    [Fact]
    public async Task A_round_trained_again_after_a_crash_starts_from_the_same_memory()
    {
        await Round(1, [0, 0, 0, 0], control: [0, 0, 0, 0]);
        var first = await Round(2, [0, 0, 0, 0], control: [0.5f, 0.5f, 0.5f, 0]);
        Assert.Equal(first, await Round(2, [0, 0, 0, 0], control: [0.5f, 0.5f, 0.5f, 0]));
        await Round(3, [0, 0, 0, 0], control: [1, 1, 1, 1]);
        var memory = new SiteMemory(_folder.FullName, null);
        Assert.Equal((false, true, true), (memory.Holds(1), memory.Holds(2), memory.Holds(3)));
    }

    [Fact]
    public async Task Rounds_that_did_not_count_leave_no_trace_and_cost_no_memory()
    {
        await Round(1, [0, 0, 0, 0], control: [0, 0, 0, 0]);
        var second = await Round(2, [0, 0, 0, 0], control: [0.5f, 0.5f, 0.5f, 0]);
        // Answered too late twice running, and asked a third time: it goes on from the round that counted.
        Assert.Equal(second[..4], (await Round(3, [0, 0, 0, 0], control: [0.5f, 0.5f, 0.5f, 0], after: 1))[..4]);
        Assert.Equal(second, await Round(4, [0, 0, 0, 0], control: [0.5f, 0.5f, 0.5f, 0], after: 1));
        var memory = new SiteMemory(_folder.FullName, null);
        Assert.Equal((true, false, false, true), (memory.Holds(1), memory.Holds(2), memory.Holds(3), memory.Holds(4)));
        // Nor does one that never counted begin with anything.
        Assert.Equal(await Round(5, [0, 0, 0, 0], control: [0, 0, 0, 0], after: 0), (float[])[1, 1, 1, 1, -5, -5, -5, 0]);
    }

    [Fact]
    public async Task A_coordinator_put_back_to_an_earlier_round_finds_what_it_named_or_is_told_that_it_is_lost()
    {
        for (var round = 1; round <= 3; round++) await Round(round, [0, 0, 0, 0], control: [0.5f, 0.5f, 0.5f, 0]);
        var slots = new WorkSlots(1);
        async Task<RoundReply> Ask(int round, int after) => await new InProcessChannel(_work, Layout, new SiteMemory(_folder.FullName, null), slots)
            .OfferAsync(Offer(round, [0, 0, 0, 0], null, (float[])[0.5f, 0.5f, 0.5f, 0]) with { LastContribution = after }, new Caught(), default);
        Assert.Equal(RefusalReason.MemoryLost, Assert.IsType<RoundReply.Refused>(await Ask(2, 1)).Reason); // 2 and 3 lie in the slots
        Assert.IsType<RoundReply.Delivered>(await Ask(3, 2));
        var memory = new SiteMemory(_folder.FullName, null);
        Assert.True(memory.Holds(2) && memory.Holds(3));
        Assert.Equal(RefusalReason.WrongRound, Assert.IsType<RoundReply.Refused>(await Ask(3, 3)).Reason); // no round follows itself
    }

    [Fact]
    public async Task An_optimiser_goes_on_with_what_it_remembered_beside_all_else_that_a_site_keeps()
    {
        await Round(1, [0, 0, 0, 0], new DittoSection { Lambda = 0.5 }, [0, 0, 0, 0], keeps: true);
        await Round(2, [4, 4, 4, 4], new DittoSection { Lambda = 0.5 }, [0, 0, 0, 0], keeps: true);
        var common = _work.Tasks.Where(t => t.Model == "federated/x").ToList();
        Assert.Empty(common[0].OptimizerState);
        Assert.Equal([[1, 1, 1, 1], [10, 10]], common[1].OptimizerState.Select(v => v.ToArray()));
        // The personal model is another one: it begins afresh, and finds its own parameters.
        var personal = _work.Tasks.Where(t => t.Model == "federated/x+a").ToList();
        Assert.All(personal, t => Assert.True(t.OptimizerState.Count == 0 && t.KeepOptimizerState is null));
        Assert.Equal((float[])[1, 1, 1, 1], personal[1].Parameters.ToArray());
        Assert.Equal(5, common[1].GradientCorrection.Span[0]);
    }

    [Fact]
    public async Task An_optimiser_that_is_reset_remembers_nothing()
    {
        await Round(1, [0, 0, 0, 0]);
        await Round(2, [0, 0, 0, 0]);
        Assert.All(_work.Tasks, t => Assert.True(t.OptimizerState.Count == 0 && t.KeepOptimizerState is null));
    }

    [Fact]
    public async Task FedProx_asks_the_sites_for_its_pull_towards_the_common_model()
    {
        var slots = new WorkSlots(1);
        var channel = new InProcessChannel(_work, Layout, new SiteMemory(_folder.FullName, null), slots);
        var strategy = Federation.Aggregation.ServerStrategy.Create(new FedProxSection { Mu = 0.25 });
        await channel.OfferAsync(Offer(1, [0, 0, 0, 0], null, null) with { Proximal = strategy.Proximal }, new Caught(), default);
        Assert.Equal(0.25f, _work.Tasks[0].Proximal);
        Assert.True(_work.Tasks[0].Anchor.IsEmpty); // the anchor is what was given
    }
}
