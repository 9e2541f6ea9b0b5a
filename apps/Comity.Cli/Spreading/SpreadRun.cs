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
    private readonly RunFolder _folder;
    private readonly DivisionMode _divide;

    private SpreadRun(TrialDispatcher dispatcher, Simulation simulation, RunFolder folder, DivisionMode divide) => (_dispatcher, _simulation, _folder, _divide) = (dispatcher, simulation, folder, divide);

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
        Session session, CheckedStudy study, Simulation simulation, RunFolder folder, (QueueAddress Queue, StoreAddress Store) at, SpreadSettings settings, CancellationToken cancellationToken)
    {
        try
        {
            var dispatcher = await TrialDispatcher.OpenAsync(at.Store, at.Queue, new DispatchOptions
            {
                Run = NameOf(folder),
                Description = RunDescriptions.Of(study),
                Folder = Path.Combine(folder.State, "products"),
                Lease = settings.Lease,
                MostDeliveries = settings.Deliveries,
                TrainHere = WorkerStudies.TrainingOf(simulation, session.Time),
                SlotsHere = settings.Jobs,
                Tell = problem => ProblemPrinter.Print(session, [problem]),
                Time = session.Time,
            }, cancellationToken);
            return new(dispatcher, simulation, folder, settings.Divide);
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
        Division = new RoundDivision { Mode = _divide, Measure = (order, token) => MeasureAsync(order, input.Time, token), Workers = _dispatcher.WorkersAsync, Forget = _dispatcher.ForgetAsync },
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

    // What passes while it is measured is nothing of the run.
    private async Task<double> MeasureAsync(TrialOrder order, TimeProvider time, CancellationToken cancellationToken)
    {
        var scratch = Path.Combine(_folder.State, "measured");
        if (Directory.Exists(scratch)) Directory.Delete(scratch, recursive: true);
        using var trail = new TrialTrail(scratch);
        var measured = await TrialRun.MeasureAsync(_simulation.Input(scratch, 1, trail, time), order, cancellationToken);
        trail.Dispose();
        Directory.Delete(scratch, recursive: true);
        return measured;
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

/// <summary>How a run is spread.</summary>
/// <param name="Lease">How long a worker may be silent.</param>
/// <param name="Deliveries">How often an order is delivered at most.</param>
/// <param name="Divide">When rounds are divided into groups of sites.</param>
/// <param name="Jobs">Site calls at the same time on the run's own machine, where it trains a group itself.</param>
internal sealed record SpreadSettings(TimeSpan Lease, int Deliveries, DivisionMode Divide, int Jobs);
