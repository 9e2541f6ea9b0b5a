using System.Text.Json;
using Comity.Declarations;
using Comity.Federation.AtRest;
using Comity.Federation.Masking;
using Comity.Federation.Privacy;
using Comity.Federation.Rounds;
using Comity.Federation.Runs;
using Comity.Federation.Sites;
using Comity.Federation.Spool;
using Comity.Federation.Stores;

namespace Comity.Federation.Trials;

/// <summary>Trains an order of somebody else's run, in a folder of its own, through the same machines and the same gate.</summary>
public static class TrialRun
{
    /// <summary>Trains what is ordered and writes what came of it.</summary>
    /// <param name="input">The study and its sites here; <see cref="StudyRunInput.RunFolder"/> is a new folder that may be deleted afterwards.</param>
    /// <param name="order">What to train; its files lie on this machine.</param>
    /// <param name="product">Folder for what comes of it.</param>
    /// <param name="cancellationToken">Stops; nothing of it counts.</param>
    /// <exception cref="StudyStoppedException">Training diverged, or a round missed its quorum: it would anywhere.</exception>
    /// <exception cref="InvalidDeclarationException">The order does not fit to the study here.</exception>
    public static async Task TrainAsync(StudyRunInput input, TrialOrder order, string product, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(input);
        ArgumentNullException.ThrowIfNull(order);
        input = input with { Sites = StudyRun.InStudyOrder(input) };
        using var store = RunStore.Open(input.RunFolder, resume: false, StudyRun.Identity(input), input.Time, input.BeforeWrite);
        using var threads = new WorkThreads(Math.Max(1, input.Jobs));
        using var privacy = await RunPrivacy.OpenAsync(input, store, cancellationToken).ConfigureAwait(false);
        using var masking = RunMasking.Open(input, store);
        var run = new RunContext(input, store, new WorkSlots(input.Jobs, threads)) { Privacy = privacy, Masking = masking };
        var start = await StartAsync(run, order, cancellationToken).ConfigureAwait(false);
        if (order.Group is not null)
        {
            await GroupOf(run, start, order).TrainGroupAsync(order, product, cancellationToken).ConfigureAwait(false);
            return;
        }
        foreach (var given in order.Files.Where(f => f.Name.EndsWith(TrialOrders.RecordSuffix, StringComparison.Ordinal))) Give(store, order, given);
        var (alike, joining) = StudyRun.Trials(run, [start]);
        var trials = alike.Concat(joining).Where(t => order.Models.Contains(t.Plan.Model, StringComparer.Ordinal)).ToList();
        if (trials.Count != order.Models.Count) throw Other(order);
        await run.AllAsync(trials, StudyRun.Go, cancellationToken).ConfigureAwait(false);
        TrialProduct.Write(run, order, product);
    }

    /// <summary>Trains sites of a group one after another for the time that it takes, until it is clear; nothing of it counts.</summary>
    /// <param name="input">The study and its sites here; <see cref="StudyRunInput.RunFolder"/> is a new folder that may be deleted afterwards.</param>
    /// <param name="order">An order with a group of the first round; its files lie on this machine.</param>
    /// <param name="cancellationToken">Stops.</param>
    /// <returns>Seconds for a <see cref="TrialOrder.Cost"/> of 1 on one slot; 0: no site trained.</returns>
    /// <exception cref="InvalidDeclarationException">The order does not fit to the study here.</exception>
    public static async Task<double> MeasureAsync(StudyRunInput input, TrialOrder order, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(input);
        ArgumentNullException.ThrowIfNull(order);
        input = input with { Sites = StudyRun.InStudyOrder(input) };
        using var store = RunStore.Open(input.RunFolder, resume: false, StudyRun.Identity(input), input.Time, input.BeforeWrite);
        using var threads = new WorkThreads(1);
        var run = new RunContext(input, store, new WorkSlots(1, threads));
        var start = await StartAsync(run, order, cancellationToken).ConfigureAwait(false);
        return await GroupOf(run, start, order).MeasureAsync(order.Group!, cancellationToken).ConfigureAwait(false);
    }

    private static async Task<RepeatStart> StartAsync(RunContext run, TrialOrder order, CancellationToken cancellationToken)
    {
        var agreed = Read<Statistics>(order, TrialOrders.AgreedName(order.Repeat));
        run.Store.KeepAgreed(order.Repeat, agreed);
        var start = new RepeatStart(order.Repeat, agreed, await run.Input.Model.StartAsync(order.Repeat, agreed, cancellationToken).ConfigureAwait(false));
        return start.Model.Layout.Digest == order.LayoutDigest ? start : throw Other(order);
    }

    private static FederatedTrial GroupOf(RunContext run, RepeatStart start, TrialOrder order) => FederatedTrial.OfGroup(run, start, order) ?? throw Other(order);

    private static InvalidDeclarationException Other(TrialOrder order) => new([Messages.Problem("trial-other-model", Place.InFile(order.Id), order.Id)]);

    private static void Give(RunStore store, TrialOrder order, TrialFile given)
    {
        var record = Read<ModelRecord>(order, given.Name);
        var vector = order.Files.Single(f => f.Name == given.Name[..^TrialOrders.RecordSuffix.Length] + TrialOrders.VectorSuffix).Path;
        store.KeepModel(record, FloatFile.Read(StateVault.Plain, vector, 1, record.Info.Parameters, record.Info.WeightsSha256)?[0] ?? throw RunStore.Unreadable(vector));
    }

    private static T Read<T>(TrialOrder order, string name)
    {
        var path = order.Files.SingleOrDefault(f => f.Name == name)?.Path ?? name;
        try
        {
            return JsonSerializer.Deserialize<T>(File.ReadAllBytes(path), RunStore.Json)!;
        }
        catch (Exception e) when (e is IOException or JsonException)
        {
            throw RunStore.Unreadable(path);
        }
    }
}
