using System.CommandLine;
using System.Security.Cryptography;
using Comity.Cli.Composition;
using Comity.Cli.Runs;
using Comity.Cli.Terminal;
using Comity.Federation.Runs;
using Comity.Federation.Trials;
using Comity.Insight.Results;
using Comity.Transport.Queues;
using Comity.Transport.Stores;
using Comity.Workers;

namespace Comity.Cli.Spreading;

/// <summary>A run whose trials workers train: <c>comity run STUDY --queue …</c>.</summary>
internal sealed class SpreadRun : IAsyncDisposable
{
    // Enough orders for many workers, and few enough that each is worth its messages.
    private const int GroupsOfSites = 32;

    private readonly TrialDispatcher _dispatcher;
    private readonly Simulation _simulation;

    private SpreadRun(TrialDispatcher dispatcher, Simulation simulation) => (_dispatcher, _simulation) = (dispatcher, simulation);

    /// <summary>Looks whether queue and store can be used, before a folder is begun.</summary>
    /// <exception cref="StoppedException">Exit code 11: one of them can't be used.</exception>
    public static async Task CheckAsync((QueueAddress Queue, StoreAddress Store) at, CancellationToken cancellationToken)
    {
        try
        {
            await TrialDispatcher.CheckAsync(at.Store, at.Queue, cancellationToken);
        }
        catch (WorkersRefusedException e)
        {
            throw new StoppedException(ExitCode.Infrastructure, e.Problem);
        }
    }

    /// <summary>Joins queue and store.</summary>
    /// <exception cref="StoppedException">Exit code 11: one of them can't be used.</exception>
    public static async Task<SpreadRun> OpenAsync(
        Session session, CheckedStudy study, Simulation simulation, RunFolder folder, (QueueAddress Queue, StoreAddress Store) at, TimeSpan lease, int deliveries, CancellationToken cancellationToken)
    {
        try
        {
            var dispatcher = await TrialDispatcher.OpenAsync(at.Store, at.Queue, new DispatchOptions
            {
                Run = NameOf(folder),
                Description = RunDescriptions.Of(study),
                Folder = Path.Combine(folder.State, "products"),
                Lease = lease,
                MostDeliveries = deliveries,
                Tell = problem => ProblemPrinter.Print(session, [problem]),
                Time = session.Time,
            }, cancellationToken);
            return new(dispatcher, simulation);
        }
        catch (WorkersRefusedException e)
        {
            throw new StoppedException(ExitCode.Infrastructure, e.Problem);
        }
    }

    /// <summary>The run's input with its trials trained by workers.</summary>
    public StudyRunInput Spread(StudyRunInput input) => input with
    {
        TrainedElsewhere = TrainAsync,
        SitesTogether = (input.Study.TrainingSites.Count + GroupsOfSites - 1) / GroupsOfSites,
    };

    /// <summary>The run is complete: nothing of it stays in the store.</summary>
    public Task CompleteAsync(CancellationToken cancellationToken) => _dispatcher.CompleteAsync(cancellationToken);

    public ValueTask DisposeAsync() => _dispatcher.DisposeAsync();

    private async Task<TrialHandover> TrainAsync(TrialOrder order, CancellationToken cancellationToken)
    {
        var handover = await _dispatcher.TrainAsync(order, cancellationToken);
        TrialTrail.WriteInto(_simulation.Audit!, handover.Folder);
        return handover;
    }

    // Nobody else has it, and a resumed run finds by it what workers did meanwhile.
    private static string NameOf(RunFolder folder)
    {
        var path = Path.Combine(folder.State, "spread");
        if (File.Exists(path)) return File.ReadAllText(path);
        Directory.CreateDirectory(folder.State);
        var name = RandomNumberGenerator.GetHexString(32, lowercase: true);
        AtomicFile.Write(path, name);
        return name;
    }
}
