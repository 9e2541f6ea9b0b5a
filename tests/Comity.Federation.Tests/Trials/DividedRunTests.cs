using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Comity.Federation.Runs;
using Comity.Federation.Tests.Privacy;
using Comity.Federation.Results;
using Comity.Federation.Trials;
using Comity.Privacy.Noise;
using Comity.Tensors.Randomness;
using Comity.Testing;

namespace Comity.Federation.Tests.Trials;

/// <summary>Rounds whose sites are trained in groups, each group by sites of another "process" that share nothing with the run but the order's files.</summary>
public sealed class DividedRunTests : IDisposable
{
    private const int Sites = 9;

    private const string Everything = """
        arms: [local, federated, combined]
        repeats: 2
        federations:
          - { name: yogi, rounds: 3, localEpochs: 2, strategy: fedyogi, cohort: 5 }
          - { rounds: 4, localEpochs: 2, strategy: scaffold, personalise: ditto, cohort: 0.75 }
          - { name: largest, rounds: 4, localEpochs: 2, strategy: fedavg, encoding: { updates: { kind: top-k, fraction: 0.25 } } }
          - { name: median, rounds: 2, localEpochs: 2, strategy: median, personalise: { kind: fine-tune, epochs: 2 } }
          - { name: kept, rounds: 4, localEpochs: 2, cohort: 7, strategy: { kind: fedavgm, nesterov: true }, optimizerState: kept, encoding: { updates: int8, model: bf16 }, personalise: ditto }
          - { name: searched, rounds: 2, strategy: scaffold, search: { values: { training.optimizer.learningRate: [0.01, 0.05] } } }
          - { name: few, rounds: 2, strategy: fedavg, cohort: 3 }
        combined: { by: { kind: distil, rounds: 2 } }
        """;

    private const string Remembering = """
        arms: [local, federated]
        federations:
          - { rounds: 3, localEpochs: 2, strategy: scaffold, personalise: ditto, cohort: 0.75 }
          - { name: largest, rounds: 3, localEpochs: 2, strategy: fedavg, encoding: { updates: { kind: top-k, fraction: 0.25 } } }
          - { name: searched, rounds: 2, strategy: scaffold, search: { values: { training.optimizer.learningRate: [0.01, 0.05] } } }
        """;

    private readonly RunFolder _folder = new();
    private readonly ConcurrentQueue<TrialOrder> _orders = [];
    private int _elsewhere;

    public void Dispose() => _folder.Dispose();

    private sealed class Killed : Exception;

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(3)]
    public async Task Any_number_of_workers_gives_the_bits_of_one_process(int workers)
    {
        using var whole = await StudyRun.RunAsync(_folder.Input(Everything, Sites, "whole"), default);

        using var divided = await StudyRun.RunAsync(Divided("divided", workers), default);

        Assert.Equal(RunFolder.Digests(whole.Results), RunFolder.Digests(divided.Results));
        Assert.Equal(whole.Results.Benefit, divided.Results.Benefit);
        Assert.Equal(whole.Results.Contributors.Select(c => string.Join(",", c.Contributed)).Order(), divided.Results.Contributors.Select(c => string.Join(",", c.Contributed)).Order());
        var groups = _orders.Where(o => o.Group is not null).ToList();
        // Twice as many groups as workers of the same speed, of neighbours; what can't be divided, and joins, are whole trials.
        Assert.All(groups.GroupBy(g => (g.Models[0], g.Repeat, g.Group!.Round)), round => Assert.Equal(Math.Max(1, Math.Min(2 * workers, round.Sum(g => g.Group!.Sites.Count))), round.Count()));
        Assert.DoesNotContain(groups, g => g.Models[0] == "federated/few");
        Assert.Contains(_orders, o => o.Group is null && o.Models is ["federated/few"]);
        Assert.Contains(groups, g => g.Files.Any(f => f.Name.Contains("memories", StringComparison.Ordinal)));
        Assert.Empty(Directory.EnumerateFileSystemEntries(Path.Combine(_folder.New("divided"), "state", "orders"), "groups~*"));
    }

    [Fact]
    public async Task A_run_that_is_killed_at_any_write_goes_on_with_its_rounds_whoever_trains_then()
    {
        var writes = 0;
        using var whole = await StudyRun.RunAsync(_folder.Input(Remembering, Sites, "whole") with { BeforeWrite = _ => Interlocked.Increment(ref writes) }, default);
        var random = Seed.Of(5).ToRandom();
        for (var attempt = 0; attempt < 4; attempt++)
        {
            for (var (kills, resume) = (0, false); ; kills++, resume = true)
            {
                var left = kills < 3 ? random.NextInt32(writes / 3) : int.MaxValue;
                var input = Divided($"killed{attempt}", workers: random.NextInt32(4), Remembering) with { Resume = resume, BeforeWrite = _ => { if (Interlocked.Decrement(ref left) < 0) throw new Killed(); } };
                try
                {
                    using var outcome = await StudyRun.RunAsync(input, default);
                    Assert.Equal(RunFolder.Digests(whole.Results), RunFolder.Digests(outcome.Results));
                    break;
                }
                catch (Killed)
                {
                }
            }
        }
    }

    [Theory]
    [InlineData("privacy: { secureAggregation: true }", "masked")]
    [InlineData("privacy: { differentialPrivacy: { unit: site, epsilon: 8, delta: 0.01, clip: 1 } }", "private")]
    public async Task What_has_one_ledger_or_one_set_of_keys_stays_whole_and_says_why(string privacy, string reason)
    {
        var told = new ConcurrentQueue<StudyEvent>();
        var rest = "arms: [federated]\nfederation: { strategy: fedavg, rounds: 2 }\n" + privacy;
        using var whole = await StudyRun.RunAsync(Input(rest, "whole"), default);

        using var divided = await StudyRun.RunAsync(Divided("divided", 2, rest) with { Progress = new Direct(told.Enqueue) }, default);

        Assert.Equal(RunFolder.Digests(whole.Results), RunFolder.Digests(divided.Results));
        Assert.Equal(reason, Assert.Single(told.OfType<StudyEvent.RoundsDivided>()).WholeBecause);
        Assert.All(_orders, o => Assert.Null(o.Group));
    }

    [Theory]
    [InlineData(1e-9, "short")]
    [InlineData(1.0, null)]
    public async Task A_round_is_divided_by_the_time_that_its_first_sites_took(double secondsPerCost, string? whole)
    {
        var told = new ConcurrentQueue<StudyEvent>();
        var measured = 0;
        var input = Divided("divided", 2, "arms: [federated]\nfederation: { strategy: fedavg, rounds: 2 }\nrepeats: 2\n") with { Progress = new Direct(told.Enqueue) };
        input = input with
        {
            Division = input.Division! with
            {
                Mode = DivisionMode.Auto,
                Measure = (order, token) =>
                {
                    measured++;
                    Assert.Equal(8, order.Group!.Sites.Count);
                    return Task.FromResult(secondsPerCost);
                },
            },
        };

        using (await StudyRun.RunAsync(input, default)) { }

        Assert.Equal(1, measured); // not again for the second repeat
        Assert.Equal(whole, Assert.Single(told.OfType<StudyEvent.RoundsDivided>()).WholeBecause);
        Assert.All(_orders, o => Assert.Equal(whole is null, o.Group is not null));
    }

    [Fact]
    public async Task Measuring_trains_a_few_sites_and_tells_what_a_cost_of_one_takes()
    {
        var sites = RunFolder.Sites(Sites);
        TrialOrder? asked = null;
        var input = Divided("divided", 2, "arms: [federated]\nfederation: { strategy: scaffold, rounds: 2 }\n");
        input = input with { Division = input.Division! with { Mode = DivisionMode.Auto, Measure = (order, _) => Task.FromResult((asked = order).Cost + 1) } };
        using (await StudyRun.RunAsync(input, default)) { }

        // Longer than measuring goes on, by the clock: each site takes a second of it.
        var clock = new ManualTimeProvider();
        var seconds = await TrialRun.MeasureAsync(_folder.Input(RunFolder.Study("arms: [federated]\nfederation: { strategy: scaffold, rounds: 2 }\n", Sites), sites, "measured") with
        {
            Time = clock,
            Leaving = _ => clock.Advance(TimeSpan.FromSeconds(1)),
        }, asked!, default);

        // The first site is not counted, the second has 42 rows and the model 4 parameters.
        Assert.Equal(1 / (42.0 * 4), seconds, 12);
        Assert.Equal(2, sites.Sum(s => s.TrainCalls));
    }

    // Whole sites are protected only where nothing of them is shared beforehand.
    private StudyRunInput Input(string rest, string folder) => _folder.Input(rest, Sites, folder) is var input && rest.Contains("unit: site", StringComparison.Ordinal)
        ? Repeatable(input with { Model = new ZeroModel(), Pooled = null, Sites = [.. Enumerable.Range(0, Sites).Select(i => new ConstantSite($"s{i}", i + 1))] })
        : Repeatable(input);

    private static StudyRunInput Repeatable(StudyRunInput input) => input with { Noise = (site, answer) => NoiseStream.Repeatable(SHA256.HashData(Encoding.UTF8.GetBytes($"{site}|{answer}"))) };

    private StudyRunInput Divided(string folder, int workers, string rest = Everything)
    {
        var input = Input(rest, folder);
        return input with
        {
            Described = [.. RunFolder.Sites(Sites).Select((s, i) => new SiteInfo(s.Site, "us", 60 + (10 * i), (60 + (10 * i)) * 6 / 10, 0, 0, [], []))],
            TrainedElsewhere = async (order, token) =>
            {
                _orders.Enqueue(order);
                // As it travels: text and files, and sites that know nothing of this run.
                var paths = order.Files.ToDictionary(f => f.Name, f => f.Path);
                var told = JsonSerializer.Deserialize<TrialOrder>(JsonSerializer.Serialize(order with { Files = [.. order.Files.Select(f => f with { Path = "" })] }))!;
                told = told with { Files = [.. told.Files.Select(f => f with { Path = paths[f.Name] })] };
                var at = _folder.New($"elsewhere{Interlocked.Increment(ref _elsewhere)}");
                await TrialRun.TrainAsync(Input(rest, at) with { Jobs = 2 }, told, at + ".product", token);
                Directory.Delete(at, recursive: true);
                return new TrialHandover(at + ".product", _ => Task.CompletedTask);
            },
            Division = new RoundDivision
            {
                Mode = DivisionMode.Always,
                Measure = (_, _) => throw new InvalidOperationException("Nobody asked."),
                Workers = _ => Task.FromResult<IReadOnlyList<GroupWorker>>([.. Enumerable.Range(0, workers).Select(_ => new GroupWorker(1, null, 1))]),
                Forget = (_, _) => Task.CompletedTask,
            },
        };
    }

    private sealed class Direct(Action<StudyEvent> tell) : IProgress<StudyEvent>
    {
        public void Report(StudyEvent value) => tell(value);
    }
}
