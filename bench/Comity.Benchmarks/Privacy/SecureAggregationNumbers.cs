using System.Globalization;
using Comity.SecureAggregation.FixedPoint;
using Comity.SecureAggregation.Graphs;
using Comity.SecureAggregation.Keys;
using Comity.SecureAggregation.Protocol;

namespace Comity.Benchmarks.Privacy;

/// <summary>A masked round between real machines: CPU of the coordinator and of a site, bytes of a site's vector, with and without sites that fall silent before their vector.</summary>
internal static class SecureAggregationNumbers
{
    private const int Sites = 64, Parameters = 1_000_000;

    public static int Run(string[] names)
    {
        _ = names;
        var culture = CultureInfo.InvariantCulture;
        var bits = FixedPointEncoding.Choose(clip: 1, maximalWeight: 1000, sites: Sites, resolution: 1e-4).Bits;
        // 64 sites mask with all others by themselves; here the sparse graph is asked for.
        var sparse = GraphParameters.ForCohort(Sites, AdversaryModel.SemiHonest, GraphChoice.Sparse)!.Value;
        Console.WriteLine(string.Create(culture, $"{Sites} sites, {Parameters:N0} parameters, {bits} bits each; CPU of all threads of the process."));
        Console.WriteLine();
        Console.WriteLine("| graph | dropped | coordinator s | demand | site s | demand | bytes / float32 | demand | sum |");
        Console.WriteLine("|---|---|---|---|---|---|---|---|---|");
        var failed = 0;
        foreach (var (graph, degree, threshold, limit) in new (string, int?, int, double)[]
        {
            ($"{sparse.Degree}-regular", sparse.Degree, sparse.Threshold, 0.2), ("complete", null, SecureRoundPlan.LeastThreshold(Sites, AdversaryModel.SemiHonest), 0.6),
        })
        {
            foreach (var dropped in new[] { 0, Sites / 3 })
            {
                var (coordinator, site, bytes, exact) = Play(new SecureRoundPlan("bench", 1, [.. Enumerable.Range(0, Sites).Select(i => $"site-{i}")], threshold, AdversaryModel.SemiHonest, Parameters, bits, degree), dropped);
                var demand = dropped == 0 ? 1.0 : 3.0;
                if (!exact || coordinator > demand || site > limit || bytes > 1.2) failed++;
                Console.WriteLine(string.Create(culture, $"| {graph} | {dropped} | {coordinator:F2} | < {demand:F0} | {site:F3} | < {limit} | {bytes:F3} | ≤ 1.2 | {(exact ? "exact" : "WRONG")} |"));
            }
        }
        return failed == 0 ? 0 : 1;
    }

    private static (double Coordinator, double Site, double Bytes, bool Exact) Play(SecureRoundPlan plan, int dropped)
    {
        var identities = plan.Sites.Select(_ => SiteIdentity.Create()).ToArray();
        var directory = Enumerable.Range(0, Sites).ToDictionary(i => i, i => identities[i].PublicKey);
        var mask = uint.MaxValue >> (32 - plan.Bits);
        var common = new uint[Parameters];
        for (var i = 0; i < common.Length; i++) common[i] = ((uint)i * 2654435761u) & mask;
        var vector = new uint[Parameters];
        double atCoordinator = 0, atSites = 0, bytes = 0;
        var coordinator = CoordinatorMachine.Start(plan, directory);
        var inputs = new Inputs();
        var states = new SiteState[Sites];
        void Send(SiteMessage message) => atCoordinator += Cpu(() => coordinator = ((CoordinatorStep.Accepted)CoordinatorMachine.Receive(coordinator, message)).State);
        for (var site = 0; site < Sites; site++)
        {
            SiteStep.Taken begun = null!;
            atSites += Cpu(() => begun = SiteMachine.Start(plan, site, identities[site], directory));
            states[site] = begun.State;
            Send(begun.Message!);
        }
        while (true)
        {
            CoordinatorTurn turn = null!;
            atCoordinator += Cpu(() => turn = CoordinatorMachine.EndStep(coordinator));
            if (turn is CoordinatorTurn.Revealed revealed) atCoordinator += Cpu(() => turn = CoordinatorMachine.Unmask(revealed.State, inputs));
            if (turn is CoordinatorTurn.Summed summed) return (atCoordinator, atSites / Sites, bytes, summed.Contributors.Count == Sites - dropped && IsExact(summed, common, mask));
            var next = (CoordinatorTurn.Next)turn;
            coordinator = next.State;
            foreach (var (site, message) in next.Messages)
            {
                SiteStep.Taken taken = null!;
                atSites += Cpu(() => taken = (SiteStep.Taken)SiteMachine.Receive(states[site], message));
                if (taken.State is AwaitingVector ready)
                {
                    // Every third site falls silent before its vector, until enough have.
                    if (site % 3 == 0 && site / 3 < dropped)
                    {
                        states[site] = taken.State;
                        continue;
                    }
                    for (var i = 0; i < vector.Length; i++) vector[i] = unchecked(common[i] + (uint)site) & mask;
                    atSites += Cpu(() => taken = SiteMachine.Submit(ready, vector));
                    var input = (MaskedInput)taken.Message!;
                    bytes = input.Packed.Length / (4.0 * Parameters);
                    inputs.Packed[site] = input.Packed;
                    ready.Dispose();
                }
                states[site] = taken.State;
                Send(taken.Message!);
            }
        }
    }

    private static bool IsExact(CoordinatorTurn.Summed summed, uint[] common, uint mask)
    {
        var (count, sites) = ((uint)summed.Contributors.Count, (uint)summed.Contributors.Sum());
        for (var i = 0; i < common.Length; i++)
        {
            if (summed.Sum[i] != (unchecked((common[i] * count) + sites) & mask)) return false;
        }
        return true;
    }

    private static double Cpu(Action work)
    {
        var before = Environment.CpuUsage.TotalTime;
        work();
        return (Environment.CpuUsage.TotalTime - before).TotalSeconds;
    }

    private sealed class Inputs : IMaskedInputs
    {
        public Dictionary<int, byte[]> Packed { get; } = [];

        public void Read(int site, long offset, Span<byte> destination) => Packed[site].AsSpan((int)offset, destination.Length).CopyTo(destination);
    }
}
