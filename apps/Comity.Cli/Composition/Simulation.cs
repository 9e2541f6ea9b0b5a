using System.Globalization;
using System.Runtime.InteropServices;
using Comity.Cli.Commands;
using Comity.Cli.Runs;
using Comity.Federation.Audit;
using Comity.Federation.Policies;
using Comity.Federation.Results;
using Comity.Federation.Runs;
using Comity.Federation.Sites;
using Comity.Tensors.Randomness;
using Comity.Tensors.Threading;
using KernelSet = Comity.Tensors.Kernels.KernelSet;

namespace Comity.Cli.Composition;

/// <summary>All roles of a study in one process: every site, the holder of all rows, and the study's author.</summary>
internal sealed class Simulation : IDisposable
{
    /// <summary>Encoded rows kept at most; what is dropped is encoded again when it is needed.</summary>
    public const long CachedBytes = 128L * 1024 * 1024;

    /// <summary>Stands for the union of all sites, as in results.</summary>
    private const string Union = "*";

    private readonly CheckedStudy _study;
    private readonly RunAudit? _audit;
    private readonly List<SimulatedSite> _sites;
    private readonly SimulatedSite _pooled;
    private readonly StudyModelSource _model;
    private readonly Team? _team;

    private Simulation(CheckedStudy study, RunAudit? audit, int threads)
    {
        (_study, _audit) = (study, audit);
        var seed = Seed.Of(study.Study.Study.Seed);
        var cache = new EncodingCache(CachedBytes);
        if (threads > 1) _team = new Team(threads);
        Trainers = new Trainers(study.Study, KernelSet.Best.With(_team));
        Records = [.. study.Tables.Select(t => new SiteRecords(study.Study, t, seed, cache))];
        _sites = [.. Records.Select(r => new SimulatedSite(study.Study, r, Trainers, seed))];
        _pooled = new SimulatedSite(study.Study, new PooledRecords(Union, Records, cache), Trainers, seed);
        _model = new StudyModelSource(study.Study, Trainers, Records[0], seed);
    }

    /// <summary>The logs of what passes between the run's parties; null: they are another run's.</summary>
    public IAuditTrail? Audit => _audit;

    /// <summary>The sites' records in their order.</summary>
    public IReadOnlyList<SiteRecords> Records { get; }

    /// <summary>Model and trainers.</summary>
    public Trainers Trainers { get; }

    /// <param name="study">The study with its records.</param>
    /// <param name="folder">Where the run writes.</param>
    /// <param name="threads">Threads that share one training step, see <see cref="Team"/>; one site's at a time.</param>
    /// <param name="time">The clock.</param>
    public static Simulation Of(CheckedStudy study, RunFolder folder, int threads, TimeProvider time)
    {
        var audit = new RunAudit(folder, study.Study.Study.Study, [.. study.Tables.Select(t => t.Site)], time);
        var simulation = new Simulation(study, audit, threads);
        if (audit.IsNew) simulation.WriteRecordsMoved(audit);
        return simulation;
    }

    /// <summary>The same where only trials of somebody else's run are trained, whose audit is that run's.</summary>
    /// <param name="study">The study with its records.</param>
    /// <param name="threads">Threads that share one training step.</param>
    public static Simulation ForTrials(CheckedStudy study, int threads) => new(study, null, threads);

    /// <summary>What Federation needs to run the study.</summary>
    public StudyRunInput Input(RunFolder folder, bool resume, int jobs, IProgress<StudyEvent> progress, TimeProvider time) =>
        Input(folder.Root, jobs, _audit ?? throw new InvalidOperationException("Trials of another run are audited there."), time) with
        {
            Described = SiteDescription.Of(_study, Records),
            Resume = resume,
            Progress = progress,
            TrainingEnded = EndTraining,
        };

    /// <summary>What Federation needs to train trials of it.</summary>
    /// <param name="folder">Where the state lies meanwhile.</param>
    /// <param name="jobs">Site calls at the same time.</param>
    /// <param name="audit">Where it is written down what passes.</param>
    /// <param name="time">The clock.</param>
    public StudyRunInput Input(string folder, int jobs, IAuditTrail audit, TimeProvider time) => new()
    {
        Study = _study.Study.Study,
        StudySha256 = _study.Study.Declared.Sha256,
        StudyFile = Shown(_study.Study.Declared.File),
        Label = _study.Study.Contract.Label.Column,
        Model = _model,
        Sites = [.. _sites.Select(s => new AuditedSite(s, audit))],
        Pooled = MayPool ? _pooled : null,
        PooledAbsence = "records-not-covered",
        GivenModels = GivenModels.Read(_study.Study),
        RunFolder = folder,
        Jobs = jobs,
        EpochsAlone = _study.Study.Training.Epochs,
        PrimaryMetric = _study.Study.Evaluation.PrimaryFor(_study.Study.Task),
        WithPredictions = _study.Study.Study.Privacy?.Metrics is null,
        Environment = new RunEnvironment(ToolVersion.Text, RuntimeInformation.ProcessArchitecture.ToString(), VectorWidth.Current, RuntimeInformation.FrameworkDescription),
        Time = time,
        Leaving = leaving => AuditedSite.Write(audit, leaving),
        Noise = (site, answer) => SimulatedNoise.Of(Seed.Of(_study.Study.Study.Seed), "gate", site, answer),
    };

    // Who declares nothing of the law simulates with records that lie together already. Who does is held to it.
    private bool MayPool => _study.Study.Study.Policy is null || PolicyMatrix.Of(_study.Study.Study, PolicyFiles.Load(_study.Study.Declared, [], [])).RecordsMayFlow;

    // Results, card and releases travel: they name the study from where it was run, or by its folder, and not where somebody keeps it.
    private static string Shown(string file)
    {
        var path = Path.GetRelativePath(".", file);
        if (Path.IsPathRooted(path) || path.StartsWith("..", StringComparison.Ordinal))
            path = Path.Combine(Path.GetFileName(Path.GetDirectoryName(file)) ?? "", Path.GetFileName(file));
        return path.Replace(Path.DirectorySeparatorChar, '/');
    }

    // What judging needs it takes anew.
    private void EndTraining()
    {
        Trainers.Release();
        _team?.Release();
    }

    /// <summary>Gives back the memory of training and judging: what comes now is writing.</summary>
    public void EndWork()
    {
        Trainers.Release();
        _team?.Dispose(); // its threads hold what their kernels packed
    }

    /// <summary>Nothing leaves any more.</summary>
    public void CloseAudit() => _audit?.Close();

    public void Dispose()
    {
        _team?.Dispose();
        _audit?.Dispose();
    }

    // A simulation holds all rows in one process and judges models on their union: said in the log, as in life it would be the one thing that must not happen.
    private void WriteRecordsMoved(RunAudit audit)
    {
        foreach (var table in _study.Tables)
        {
            var bytes = 4L * table.Rows * (table.Columns.Count + 1);
            audit.Leaves(table.Site, new AuditEntry
            {
                Direction = AuditDirection.Out, Kind = "records", What = string.Create(CultureInfo.InvariantCulture, $"{table.Rows} rows"), Bytes = bytes, Sha256 = SiteTables.Digest([table]),
            });
        }
    }
}
