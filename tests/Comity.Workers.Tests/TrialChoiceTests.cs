using Comity.Workers.Assignment;
using Comity.Workers.Stores;

namespace Comity.Workers.Tests;

public sealed class TrialChoiceTests
{
    private static WorkerState Worker(string name, double? speed, double free = 1, int slots = 1, int bits = 256) => new(name, name, bits, slots, speed, free);

    private static List<WaitingTrial> Waiting(params double[] costs) => [.. costs.Select((c, i) => new WaitingTrial($"t{i}", c, 1))];

    [Fact]
    public void A_worker_alone_takes_the_largest() =>
        Assert.Equal(9, TrialChoice.Choose(Waiting(2, 9, 4), [], 0, Worker("a", null), 1)!.Cost);

    // 12 + 2 + 1 of cost at 5 a second in all: through after 3 s, in which the slow one does 3.
    [Fact]
    public void A_slow_worker_leaves_the_large_trial_to_a_fast_one()
    {
        var (fast, slow) = (Worker("fast", 4), Worker("slow", 1));

        Assert.Equal(12, TrialChoice.Choose(Waiting(12, 2, 1), [fast, slow], 0, fast, 1)!.Cost);
        Assert.Equal(2, TrialChoice.Choose(Waiting(12, 2, 1), [fast, slow], 0, slow, 1)!.Cost);
    }

    [Fact]
    public void A_machine_that_others_use_counts_as_slow()
    {
        var (idle, busy) = (Worker("idle", 4), Worker("busy", 4, free: 0.25));

        Assert.Equal(12, TrialChoice.Choose(Waiting(12, 2, 1), [idle, busy], 0, idle, 1)!.Cost);
        Assert.Equal(2, TrialChoice.Choose(Waiting(12, 2, 1), [idle, busy], 0, busy, 1)!.Cost);
    }

    [Fact]
    public void A_worker_that_was_not_measured_yet_counts_as_the_others() =>
        Assert.Equal(6, TrialChoice.Choose(Waiting(6, 5, 1), [Worker("a", 3), Worker("b", null)], 0, Worker("b", null), 1)!.Cost);

    [Fact]
    public void Workers_of_another_width_do_not_count()
    {
        var (self, other) = (Worker("self", 1), Worker("other", 1000, bits: 512));

        Assert.Equal(12, TrialChoice.Choose(Waiting(12, 2), [self, other], 0, self, 1)!.Cost);
    }

    [Fact]
    public void Nothing_that_waits_is_nothing_to_take() => Assert.Null(TrialChoice.Choose([], [], 5, Worker("a", 1), 1));

    // What the rule is for: against taking the largest first whoever asks, and against an order of the queue, over random studies.
    [Fact]
    public void A_study_ends_sooner_than_when_everybody_takes_the_largest()
    {
        var random = Comity.Tensors.Randomness.Seed.Of(4).For("makespan").ToRandom();
        var (ruled, largest) = (0.0, 0.0);
        for (var study = 0; study < 50; study++)
        {
            var costs = Enumerable.Range(0, 12).Select(_ => Math.Exp(2 * random.NextDouble())).ToArray();
            double[] speeds = [8, 2, 1];
            ruled += Makespan(costs, speeds, TrialChoice.Choose);
            largest += Makespan(costs, speeds, (waiting, _, _, _, _) => waiting.MaxBy(w => w.Cost));
        }
        Assert.True(ruled < 0.9 * largest, $"{ruled} against {largest}");
    }

    [Theory]
    [InlineData(0, 0, 2, 1)]
    [InlineData(4, 4, 2, 1)]
    [InlineData(4, 2, 2, 0.5)]
    [InlineData(4, 0, 2, 0)]
    public void What_others_leave_free_is_what_they_do_not_use(double busy, double own, int processors, double share) =>
        Assert.Equal(share, MachineLoad.ShareOf(busy, own, seconds: 2, processors), 12);

    private static double Makespan(double[] costs, double[] speeds, Func<IReadOnlyList<WaitingTrial>, IReadOnlyList<WorkerState>, double, WorkerState, int, WaitingTrial?> choose)
    {
        var workers = speeds.Select((s, i) => Worker($"w{i}", s)).ToList();
        var free = new double[speeds.Length];
        var running = new double[speeds.Length];
        var waiting = Waiting(costs);
        while (waiting.Count > 0)
        {
            var next = Array.IndexOf(free, free.Min());
            running[next] = 0;
            var taken = choose(waiting, workers, running.Sum(), workers[next], 1)!;
            waiting.Remove(taken);
            running[next] = taken.Cost;
            free[next] += taken.Cost / speeds[next];
        }
        return free.Max();
    }
}
