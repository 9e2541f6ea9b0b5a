using System.Security.Cryptography;
using Comity.Cli.Composition;
using Comity.Declarations;
using Comity.Federation.Trials;
using Comity.Workers;

namespace Comity.Cli.Spreading;

/// <summary>Studies on a worker's machine, found by their digest and opened with their records.</summary>
/// <param name="session">Who asks.</param>
/// <param name="folder">Where studies lie; null: each where the machine that runs it has it.</param>
/// <param name="threads">Threads that share one training step.</param>
internal sealed class WorkerStudies(Session session, string? folder, int threads)
{
    /// <summary>Opens a study.</summary>
    /// <exception cref="DeclinedException">It is not here, can't be read, or its records are others.</exception>
    public Task<TrainOrder> OpenAsync(RunDescription run, CancellationToken cancellationToken)
    {
        try
        {
            return Task.FromResult(Open(run, cancellationToken));
        }
        catch (StoppedException e)
        {
            throw new DeclinedException(e.Problems[0]);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DeclinedException(Texts.Problem("worker-study-unreadable", Place.InFile(folder ?? run.StudyFile), run.Study, e.Message));
        }
    }

    private TrainOrder Open(RunDescription run, CancellationToken cancellationToken)
    {
        var path = Find(run, cancellationToken) ?? throw new DeclinedException(Texts.Problem("worker-no-study", Place.InFile(folder ?? run.StudyFile), run.Study, run.StudySha256[..12]));
        var problems = new ProblemList();
        var (study, tables) = CheckedStudy.Read(session.Language, path, problems, made => session.Out.Line(session.Text("made", made)), cancellationToken);
        if (problems.HasErrors || study is null || tables is null) throw new DeclinedException(problems.First(p => p.Severity == Severity.Error));
        var read = new CheckedStudy(study, tables, problems).With(run.Seed, RunDescriptions.Arms(run));
        if (RunDescriptions.RecordsOf(read) is var found && found != run.RecordsSha256)
            throw new DeclinedException(Texts.Problem("worker-other-records", Place.InFile(path), run.Study, found[..12], run.RecordsSha256[..12]));
        var simulation = Simulation.ForTrials(read, threads);
        return TrainingOf(simulation, session.Time);
    }

    /// <summary>Trains orders of a study that lies here.</summary>
    public static TrainOrder TrainingOf(Simulation simulation, TimeProvider time) => async (order, slots, scratch, product, token) =>
    {
        using var trail = new TrialTrail(scratch);
        await TrialRun.TrainAsync(simulation.Input(scratch, slots, trail, time), order, product, token);
        trail.MoveTo(product);
    };

    private string? Find(RunDescription run, CancellationToken cancellationToken)
    {
        if (folder is null) return IsIt(run.StudyFile) ? run.StudyFile : null;
        var options = new EnumerationOptions { RecurseSubdirectories = true, IgnoreInaccessible = true };
        var name = Path.GetFileName(run.StudyFile);
        foreach (var path in Directory.EnumerateFiles(folder, "*", options).Where(p => Path.GetExtension(p) is ".yaml" or ".yml").OrderBy(p => Path.GetFileName(p) != name).ThenBy(p => p, StringComparer.Ordinal))
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (IsIt(path)) return path;
        }
        return null;

        bool IsIt(string path)
        {
            try
            {
                return File.Exists(path) && Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(path))) == run.StudySha256;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                return false;
            }
        }
    }
}
