using Comity.Cli.Composition;
using Comity.Data.Shared;
using Comity.Federation.Studies;
using Comity.Federation.Sites;
using Comity.Learning.Evaluation;
using Comity.Learning.Training;
using Comity.Tensors.Randomness;

namespace Comity.Cli.Estimates;

/// <summary>What a run will take, from a few measured steps on the study's own records.</summary>
/// <param name="Parameters">P.</param>
/// <param name="Repeats">Repeats of the study.</param>
/// <param name="Models">What is trained, with seconds of one core in all repeats.</param>
/// <param name="JudgingSeconds">Seconds of one core for judging and comparing.</param>
/// <param name="Jobs">Site calls at the same time.</param>
/// <param name="WallSeconds">Seconds until the run ends with so many jobs.</param>
/// <param name="MemoryBytes">Peak memory of the process.</param>
/// <param name="StatisticsBytes">Bytes of shared statistics that leave the sites.</param>
internal sealed record StudyEstimate(
    int Parameters, int Repeats, IReadOnlyList<EstimatedModel> Models, double JudgingSeconds, int Jobs, double WallSeconds, long MemoryBytes, long StatisticsBytes)
{
    /// <summary>Runtime, code, report: what a process of this tool takes before any record is loaded, measured on x64 Linux.</summary>
    private const long BaseMemory = 100L * 1024 * 1024;

    /// <summary>Reading, writing and the report, measured on the examples.</summary>
    private const double FixedSeconds = 2;

    private static readonly TimeSpan LongestMeasurement = TimeSpan.FromSeconds(1);

    public static StudyEstimate Measure(CheckedStudy checkedStudy, int jobs, TimeProvider time, CancellationToken cancellationToken)
    {
        var study = checkedStudy.Study;
        var seed = Seed.Of(study.Study.Seed);
        var records = checkedStudy.Tables.Select(t => new SiteRecords(study, t, seed, new EncodingCache(0))).ToArray();
        var (agreed, statistics) = Agree(study, records);
        var trainers = new Trainers(study);
        var largest = records.MaxBy(r => r.Table.Rows)!.Rows(0, agreed);
        var model = trainers.Model(largest.Input);
        int[] rows = [.. records.Select(r => r.Split(0).Training.Length)];
        var repeats = study.Study.Repeats;

        var models = new List<EstimatedModel>();
        foreach (var planned in PlannedModel.All(study, rows, model.Layout))
        {
            cancellationToken.ThrowIfCancellationRequested();
            var pass = planned.RowPasses == 0 ? 0 : SecondsPerRow(trainers.Trainer(largest.Input, planned.Changes), largest, seed, time, cancellationToken);
            models.Add(new EstimatedModel(planned.Id, planned.Count * repeats, planned.Rounds, planned.Bytes * repeats, planned.RowPasses * repeats * pass));
        }
        var judging = Judging(study, records.Length, models.Sum(m => m.Models), largest, trainers, seed, time);
        var held = largest.Bytes / (double)Math.Max(1, records.Max(r => r.Table.Rows)); // a window shares its steps with others
        // Every row is encoded twice, at its site and in the union; the cache keeps no more than its own limit.
        var encoded = Math.Min((long)(2.0 * repeats * checkedStudy.Tables.Sum(t => (long)t.Rows) * held), Simulation.CachedBytes);
        var tables = checkedStudy.Tables.Sum(t => 4L * t.Rows * (t.Columns.Count + 2));
        var memory = BaseMemory + encoded + (2 * tables) + (16L * sizeof(float) * model.Layout.Length * jobs);
        var wall = FixedSeconds + ((models.Sum(m => m.CoreSeconds) + judging) / Math.Min(jobs, Environment.ProcessorCount));
        return new StudyEstimate(model.Layout.Length, repeats, models, judging, jobs, wall, memory, statistics * repeats);
    }

    internal static (Statistics Agreed, long Bytes) Agree(ComposedStudy study, SiteRecords[] records)
    {
        var agreed = SharedStatistics.None;
        long bytes = 0;
        foreach (var step in SharedStatistics.Steps(study.Contract, study.Preprocess))
        {
            var own = records.Select(r => r.Collect(0, step, agreed.ToFederation())).ToArray();
            bytes += own.Sum(s => s.Parts.Sum(p => (8L * p.Values.Count) + p.Labels.Sum(l => l.Length + 1L) + p.Name.Length));
            agreed = agreed.And(SharedStatistics.Merge(own));
        }
        return (agreed.ToFederation(), bytes);
    }

    private static double SecondsPerRow(Trainer trainer, RepeatRows rows, Seed seed, TimeProvider time, CancellationToken cancellationToken)
    {
        var parameters = new float[trainer.Model.Layout.Length];
        trainer.Model.Initialise(parameters, seed.For("estimate").ToRandom());
        double Epoch(int epoch)
        {
            var start = time.GetTimestamp();
            trainer.Train(parameters, rows.Training.Data, null, new TrainerRequest { Seed = seed.For("estimate", epoch), Epochs = 1, EpochsBefore = epoch }, cancellationToken);
            return time.GetElapsedTime(start).TotalSeconds;
        }
        var began = time.GetTimestamp();
        Epoch(0); // the first pays for compilation
        var times = new List<double>();
        for (var epoch = 1; epoch <= 20 && (times.Count < 2 || time.GetElapsedTime(began) < LongestMeasurement); epoch++) times.Add(Epoch(epoch));
        times.Sort();
        return times[times.Count / 2] / rows.Training.Data.Rows; // the median: another process may have had the core for a moment
    }

    private static double Judging(ComposedStudy study, int sites, int models, RepeatRows rows, Trainers trainers, Seed seed, TimeProvider time)
    {
        var model = trainers.Model(rows.Input);
        var parameters = new float[model.Layout.Length];
        model.Initialise(parameters, seed.For("estimate").ToRandom());
        var outputs = new float[rows.Test.Data.Rows * model.Outputs];
        model.Predict(parameters, rows.Test.Data, outputs);
        double Once()
        {
            var start = time.GetTimestamp();
            Evaluator.Evaluate(study.Task, study.Classes, rows.Test.Data.Labels.Span, outputs, study.Evaluation, seed);
            return time.GetElapsedTime(start).TotalSeconds;
        }
        Once();
        // Each model at each site and on the union (as many rows again), each twice where sensitive groups are judged apart.
        var places = study.Study.Arms.Contains(Arm.Partner) ? 2.0 * sites : 3.0;
        return Math.Min(Once(), Once()) * models * places * (study.Contract.Sensitive.Count > 0 ? 2 : 1);
    }
}

/// <summary>A kind of model with its estimated cost over all repeats.</summary>
/// <param name="Id">Model id; <c>local/*</c>: every site's own.</param>
/// <param name="Models">Models in all repeats.</param>
/// <param name="Rounds">Rounds of one repeat.</param>
/// <param name="Bytes">Bytes that cross sites' borders.</param>
/// <param name="CoreSeconds">Seconds of one core for training.</param>
internal sealed record EstimatedModel(string Id, int Models, int Rounds, long Bytes, double CoreSeconds);
