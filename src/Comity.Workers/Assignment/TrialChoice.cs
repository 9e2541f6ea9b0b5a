using Comity.Workers.Stores;

namespace Comity.Workers.Assignment;

/// <summary>Which of the waiting orders a worker takes.</summary>
/// <remarks>
/// The largest that it can end by the time when all would be through if the work could be divided at will among the workers that are there, each as fast as it was
/// measured and as its machine is free; if it can end none by then, the smallest, or the largest where no other is faster. So large orders go to fast machines
/// first, small ones to slow or busy machines, and what is left over evens out. Workers that were not measured yet count as the median of those that were.
/// After Graham 1969 (longest processing time first), for machines of different speeds. The bits do not depend on it.
/// </remarks>
internal static class TrialChoice
{
    /// <summary>Chooses.</summary>
    /// <param name="waiting">Orders that wait.</param>
    /// <param name="workers">Workers that are there.</param>
    /// <param name="begun">Cost of the orders that others are at work on.</param>
    /// <param name="self">Who chooses.</param>
    /// <param name="slots">How many slots it has free.</param>
    /// <returns>Null: nothing waits.</returns>
    public static WaitingTrial? Choose(IReadOnlyList<WaitingTrial> waiting, IReadOnlyList<WorkerState> workers, double begun, WorkerState self, int slots)
    {
        if (waiting.Count == 0) return null;
        var others = workers.Where(w => w.Name != self.Name && w.VectorBits == self.VectorBits).ToList();
        var unknown = Median([.. others.Append(self).Select(w => w.Speed).OfType<double>()]);
        double PerSlot(WorkerState worker) => (worker.Speed ?? unknown) * Math.Max(worker.FreeShare, 0.05);
        var together = others.Append(self).Sum(w => PerSlot(w) * w.Slots);
        // What is begun is half done, as nobody knows better.
        var through = (waiting.Sum(w => w.Cost) + (begun / 2)) / together;
        double Seconds(WaitingTrial trial) => trial.Cost / (PerSlot(self) * Math.Clamp(trial.Slots, 1, slots));
        var byCost = waiting.OrderByDescending(w => w.Cost).ThenBy(w => w.Id, StringComparer.Ordinal).ToList();
        return byCost.Find(w => Seconds(w) <= through * (1 + 1e-9)) ?? (IsFastest() ? byCost[0] : byCost[^1]);

        // Nobody would end the largest sooner.
        bool IsFastest() => others.All(o => PerSlot(o) * o.Slots <= PerSlot(self) * self.Slots * (1 + 1e-9));
    }

    private static double Median(double[] speeds)
    {
        if (speeds.Length == 0) return 1;
        Array.Sort(speeds);
        return speeds[speeds.Length / 2];
    }
}
