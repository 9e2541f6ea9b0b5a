using System.Globalization;
using Comity.Federation.Aggregation;
using Comity.Federation.AtRest;
using Comity.Federation.Rounds;
using Comity.Federation.Spool;
using Comity.Federation.Stores;
using Comity.Federation.Studies;
using Comity.Federation.Trials;

namespace Comity.Federation.Runs;

/// <content>The same rounds with their sites trained in groups by other processes, and the other side of it: a group's sites trained for somebody else's round.</content>
internal sealed partial class FederatedTrial
{
    private const string ModelName = "model";
    private const string MemoriesName = "memories";

    /// <summary>The federation's name, by which it is known whether its rounds are divided; null: they never are.</summary>
    public string? DividedAs { get; init; }

    private bool HasControl => _strategy.ControlVariates;

    /// <summary>The trial of an order for a group, on the machine that trains it; null: the study here has no such federation.</summary>
    public static FederatedTrial? OfGroup(RunContext run, RepeatStart start, TrialOrder order)
    {
        var group = order.Group!;
        var section = run.Input.Study.AllFederations.FirstOrDefault(f => f.Id == group.Federation);
        if (section is not null && group.Setting is { } setting) section = setting >= 0 && setting < section.Settings.Count ? section.Settings[setting].Federation : null;
        if (section is null || order.Models is not [var model] || group.Sites.Any(s => run.TrainingSites.All(t => t.Site != s.Site))) return null;
        return new FederatedTrial(run, start, group.Tried ? section with { Personalise = null } : section, model, "federated") { Setting = group.Setting };
    }

    /// <summary>Vectors that a site of a federation remembers from round to round, about.</summary>
    public static int Remembered(FederationSection federation) =>
        (ServerStrategy.Create(federation.Strategy).ControlVariates ? 2 : 0) + (federation.Encoding is null ? 0 : 1) + (federation.OptimizerState == OptimizerMemory.Kept ? 2 : 0)
        + (federation.Personalise is Strategies.DittoSection or Strategies.FedBnSection ? 1 : 0);

    /// <summary>Trains a group's sites and writes what came of it.</summary>
    public async Task TrainGroupAsync(TrialOrder order, string product, CancellationToken cancellationToken)
    {
        var (group, at) = (order.Group!, FolderOf(order.Group!.Round));
        var modelFile = Given(order, at + ModelName) ?? throw RunStore.Unreadable(at + ModelName);
        var vectors = FloatFile.Read(StateVault.Plain, modelFile, HasControl ? 2 : 1, Parameters, null) ?? throw RunStore.Unreadable(modelFile);
        OpenChannels();
        _lastContributions = group.Sites.ToDictionary(s => s.Site, s => s.LastContribution, StringComparer.Ordinal);
        if (order.Files.FirstOrDefault(f => f.Name.StartsWith(at + MemoriesName, StringComparison.Ordinal)) is { } packed)
        {
            var remembered = GroupMemories.Unpack(packed.Path, Path.Combine(run.Input.RunFolder, "given"), group.Sites.Count);
            for (var i = 0; i < remembered.Length; i++)
            {
                if (remembered[i] is { } memory) _memories[group.Sites[i].Site].Adopt(group.Sites[i].LastContribution, 0, memory);
            }
        }
        Directory.CreateDirectory(product);
        RoundReply[] replies;
        using (var spool = UpdateSpool.Open(GroupProduct.UpdatesIn(product)))
        {
            var sink = new GroupSink(spool);
            replies = await run.AllAsync(group.Sites, (site, token) => _channels[site.Site].OfferAsync(Offer(site.Site, group.Round, vectors[0], vectors[1..]), sink, token), cancellationToken).ConfigureAwait(false);
        }
        if (SitesRemember) GroupMemories.Pack(GroupProduct.MemoriesIn(product), [.. group.Sites.Select(s => _memories[s.Site].FileOfRound(group.Round))]);
        new GroupProduct(group.Sites.Zip(replies).Where(a => a.Second is RoundReply.Refused).ToDictionary(a => a.First.Site, a => ((RoundReply.Refused)a.Second).Reason, StringComparer.Ordinal)).Write(product);
    }

    /// <summary>Trains sites of the first round one after another for the time that it takes; nothing of it counts.</summary>
    /// <returns>Seconds for a cost of 1.</returns>
    public async Task<double> MeasureAsync(SiteGroup group, CancellationToken cancellationToken)
    {
        var parameters = start.Model.Read?.Invoke() ?? start.Model.Parameters.ToArray();
        var states = _strategy.NewStates(Parameters);
        var (seconds, cost, sink) = (0.0, 0.0, new MeasuredSink());
        OpenChannels();
        foreach (var (i, site) in group.Sites.Index())
        {
            var (began, before) = (run.Input.Time.GetTimestamp(), sink.Rows);
            await _channels[site.Site].OfferAsync(Offer(site.Site, group.Round, parameters, states), sink, cancellationToken).ConfigureAwait(false);
            var took = run.SecondsSince(began);
            // The first one also warms up what is compiled and read once, which weighs little only where training is long.
            if (i > 0 || took >= DivisionRule.ShortestRoundSeconds || group.Sites.Count == 1) (seconds, cost) = (seconds + took, cost + CostOf(sink.Rows - before));
            if (seconds >= DivisionRule.MeasuredSeconds) break;
        }
        return cost > 0 ? seconds / cost : 0;
    }

    // Asks the sites of a round: here, or in groups elsewhere.
    private async Task<CoordinatorState> AskAsync(RoundRunner runner, RoundPlan plan, float[] parameters, float[][] states, UpdateSpool spool, CancellationToken cancellationToken)
    {
        RoundOffer OfferTo(string site) => Offer(site, plan.Round, parameters, states);
        var there = spool.Headers.Select(h => h.Site).ToHashSet(StringComparer.Ordinal);
        var awaited = plan.Cohort.Where(s => !there.Contains(s)).ToList();
        if (awaited.Count == 0 || DividedAs is null || !run.Divided.TryGetValue(DividedAs, out var secondsPerCost))
        {
            var silence = run.Input.Patience ?? (_study.PatienceSeconds is { } seconds ? TimeSpan.FromSeconds(seconds) : null);
            return await runner.RunAsync(plan, OfferTo, spool, _strategy.Parts, silence, cancellationToken).ConfigureAwait(false);
        }
        var orders = await OrdersAsync(plan.Round, awaited, secondsPerCost, parameters, states, cancellationToken).ConfigureAwait(false);
        CoordinatorState ended;
        await using (var divided = new DividedRound(orders, run.Input.TrainedElsewhere!, _memories, run.Slots, cancellationToken))
        {
            // No patience: that a group makes progress its own lease says, and a site that waits for a worker is not silent.
            ended = await new RoundRunner(divided.Channels, run.Input.Time, run.Store.BeforeWrite, run.Store.Vault).RunAsync(plan, OfferTo, spool, _strategy.Parts, null, cancellationToken).ConfigureAwait(false);
        }
        await run.Input.Division!.Forget(FolderOf(plan.Round), cancellationToken).ConfigureAwait(false);
        Directory.Delete(LocalFolderOf(plan.Round), recursive: true);
        return ended;
    }

    private async Task<List<TrialOrder>> OrdersAsync(int round, List<string> awaited, double secondsPerCost, float[] parameters, float[][] states, CancellationToken cancellationToken)
    {
        var workers = await run.Input.Division!.Workers(cancellationToken).ConfigureAwait(false);
        var costs = awaited.Select(s => CostOf(RowsOf(s))).ToArray();
        var ranges = DivisionRule.Cut(costs, DivisionRule.Groups(workers, secondsPerCost * costs.Sum(), awaited.Count));
        var (name, folder) = (FolderOf(round), LocalFolderOf(round));
        var vectors = new List<ReadOnlyMemory<float>> { parameters };
        if (HasControl) vectors.Add(states[0]);
        FloatFile.Write(Path.Combine(folder, ModelName), [.. vectors]);
        List<TrialFile> common = [new(TrialOrders.AgreedName(start.Repeat), TrialOrders.AgreedPath(run, start.Repeat)), new(name + ModelName, Path.Combine(folder, ModelName))];
        return [.. ranges.Select(range => Order(round, awaited[range], costs[range].Sum(), secondsPerCost, common))];
    }

    private TrialOrder Order(int round, List<string> sites, double cost, double secondsPerCost, List<TrialFile> common)
    {
        var id = string.Create(CultureInfo.InvariantCulture, $"{FolderOf(round)}{_order.IndexOf(sites[0]) + 1}-{_order.IndexOf(sites[^1]) + 1}");
        List<TrialFile> files = [.. common];
        // A site that remembers nothing yet starts anywhere; one that does takes it along.
        string?[] memories = SitesRemember ? [.. sites.Select(s => _lastContributions.TryGetValue(s, out var last) ? _memories[s].FileOfRound(last) : null)] : [];
        if (memories.Any(m => m is not null))
        {
            var name = string.Create(CultureInfo.InvariantCulture, $"{MemoriesName}-{_order.IndexOf(sites[0]) + 1}");
            var packed = Path.Combine(LocalFolderOf(round), name);
            GroupMemories.Pack(packed, memories);
            files.Add(new(FolderOf(round) + name, packed));
        }
        return new TrialOrder
        {
            Id = id,
            Repeat = start.Repeat,
            Models = [model],
            Cost = cost,
            Slots = sites.Count,
            LayoutDigest = start.Model.Layout.Digest,
            Files = files,
            Patience = TimeSpan.FromSeconds(double.IsNaN(secondsPerCost) ? 10 : 2 + (2 * cost * secondsPerCost)),
            Group = new SiteGroup
            {
                Federation = DividedAs!, Setting = Setting, Tried = section.Personalise is null && Setting is not null, Round = round,
                Sites = [.. sites.Select(s => new GroupedSite(s, SitesRemember ? _lastContributions.GetValueOrDefault(s) : 0))],
            },
        };
    }

    // A name of no model's: what a run that went away left of its rounds is found by it.
    private string FolderOf(int round) => string.Create(CultureInfo.InvariantCulture, $"{SiteGroup.Prefix}{model}~r{start.Repeat}/{round}/");

    private string LocalFolderOf(int round)
    {
        var folder = Path.Combine(TrialOrders.FolderOf(run), FolderOf(round).Replace('/', '~'));
        Directory.CreateDirectory(folder);
        return folder;
    }

    private static string? Given(TrialOrder order, string name) => order.Files.FirstOrDefault(f => f.Name == name)?.Path;

    private double CostOf(long rows) => (double)Math.Max(1, rows) * Math.Max(1, section.LocalEpochs) * Parameters;

    private int RowsOf(string site) => run.Input.Described.FirstOrDefault(s => s.Id == site)?.TrainingRows ?? 1;

    private sealed class GroupSink(UpdateSpool spool) : IUpdateSink
    {
        public string? Accept(UpdateHeader header, ReadOnlySpan<float> body)
        {
            spool.Append(header, body);
            return null;
        }

        public string? AcceptFile(UpdateHeader header, string path) => throw new NotSupportedException("A simulated site hands its update over in memory.");

        public void Progressed() { }
    }

    private sealed class MeasuredSink : IUpdateSink
    {
        public long Rows { get; private set; }

        public string? Accept(UpdateHeader header, ReadOnlySpan<float> body)
        {
            Rows += header.Rows;
            return null;
        }

        public string? AcceptFile(UpdateHeader header, string path) => throw new NotSupportedException("A simulated site hands its update over in memory.");

        public void Progressed() { }
    }
}
