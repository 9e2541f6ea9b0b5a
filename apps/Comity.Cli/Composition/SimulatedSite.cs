using System.Globalization;
using Comity.Declarations;
using Comity.Federation.Privacy;
using Comity.Federation.Sites;
using Comity.Learning;
using Comity.Learning.Evaluation;
using Comity.Learning.Models;
using Comity.Learning.Training;
using Comity.Learning.Training.Private;
using Comity.Privacy.Noise;
using Comity.Tensors.Randomness;

namespace Comity.Cli.Composition;

/// <summary>A site in this process: fills the seam between rounds and records with Data and Learning.</summary>
/// <param name="study">The study.</param>
/// <param name="records">The site's records.</param>
/// <param name="trainers">The study's model and trainers.</param>
/// <param name="seed">The study's seed.</param>
/// <param name="noiseOf">Privacy noise of a training; null: a simulation's, which can be repeated.</param>
/// <remarks>Keeps no state between calls but caches of what follows from the study and its records, so trials may run side by side.</remarks>
internal sealed class SimulatedSite(ComposedStudy study, IRecords records, Trainers trainers, Seed seed, Func<NoiseStream>? noiseOf = null) : ISiteWork
{
    public string Site => records.Site;

    public ValueTask<Statistics> CollectAsync(StatisticsTask task, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return new(records.Collect(task.Repeat, task.Step, task.Agreed).ToFederation());
    }

    public ValueTask<TrainingScale> ScaleAsync(int repeat, string? trainingOverrides, CancellationToken cancellationToken) =>
        new(new TrainingScale(records.TrainingRows(repeat), trainers.Section(trainingOverrides).Lot));

    public ValueTask<TrainingResult> TrainAsync(TrainingTask task, CancellationToken cancellationToken)
    {
        var rows = records.Rows(task.Repeat, task.Agreed);
        var parameters = task.Destination.IsEmpty ? new float[task.Parameters.Length] : task.Destination;
        task.Parameters.CopyTo(parameters);
        using var noise = task.Private is null ? null : noiseOf?.Invoke() ?? SimulatedNoise.Of(seed, "train", task.Repeat, task.Model, task.Round, Site);
        var request = new TrainerRequest
        {
            Private = task.Private is { } asked ? new PrivateTraining { ClipNorm = asked.ClipNorm, NoiseMultiplier = asked.NoiseMultiplier, Noise = noise! } : null,
            Seed = seed.For("train", task.Repeat, task.Model, task.Round, Site),
            Epochs = task.Epochs,
            EpochsBefore = task.EpochsBefore,
            ScheduleEpochs = ScheduleOf(task),
            Proximal = task.Proximal,
            Anchor = task.Anchor,
            GradientCorrection = task.GradientCorrection,
            Teacher = task.Teacher,
            OptimizerState = task.OptimizerState,
            KeepOptimizerState = task.KeepOptimizerState,
            Progress = task.Progress is { } progress ? p => progress(new TrainingProgress(p.Epoch, p.Epochs, p.Loss)) : null,
        };
        var validation = rows.Validation.Data.Rows > 0 ? rows.Validation.Data : null;
        var result = trainers.Trainer(rows.Input, task.TrainingOverrides).Train(parameters.Span, rows.Training.Data, validation, request, cancellationToken);
        if (result.Divergence is { } where) trainers.Diverged(new DivergedTraining(task.Model, Site, task.Round, where));
        return new(new TrainingResult
        {
            Parameters = parameters,
            Rows = rows.Training.Data.Rows,
            Steps = result.Steps,
            LearningRateSum = result.LearningRateSum,
            NormalizedSteps = result.NormalizedSteps,
            LossByEpoch = result.LossByEpoch,
            ValidationLossByEpoch = result.ValidationLossByEpoch,
            StoppedBy = result.StoppedBy,
            OptimizerState = result.OptimizerState,
            Released = result.Released,
        });
    }

    public ValueTask<EvaluationResult> EvaluateAsync(EvaluationTask task, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var rows = records.Rows(task.Repeat, task.Agreed);
        var split = rows[task.Split];
        var outputs = Outputs(ModelOf(rows), task.Parameters.Span, split);
        var labels = split.Data.Labels.Span;
        var stream = seed.For("bootstrap", task.Repeat, task.Model, Site, task.Split.ToString());
        var judged = Evaluator.Evaluate(study.Task, study.Classes, labels, outputs, study.Evaluation, stream, task.Detailed);
        var (groups, fairness) = task.Detailed ? Groups(split, outputs, stream) : ([], []);
        return new(new EvaluationResult
        {
            Rows = judged.Rows,
            Metrics = judged.Metrics.ToFederation(),
            ClassCounts = judged.ClassCounts,
            Confusion = judged.Confusion,
            Roc = [.. judged.Roc.Select(p => new CurvePoint(p.X, p.Y, p.Rows))],
            Scores = task.Detailed && study.Task == TaskKind.Binary && study.Study.Privacy?.SecureAggregation is null ? Histogram(labels, outputs) : null,
            Calibration = [.. judged.Calibration.Select(p => new CurvePoint(p.X, p.Y, p.Rows))],
            Groups = groups,
            Fairness = fairness,
            Predictions = task.WithPredictions ? Predictions(split, outputs) : [],
            Warnings = judged.Warnings,
        });
    }

    // Empty bins stand with the next that is not: few rows make few runs.
    private List<ScoreRun> Histogram(ReadOnlySpan<float> labels, ReadOnlySpan<float> outputs)
    {
        var counts = JudgedCounts.Of(study.Task, study.Classes.Count, labels, outputs, study.Evaluation, countsOnly: false)[0].Values;
        var (bins, from, runs) = (counts.Count / 2, 0, new List<ScoreRun>());
        for (var bin = 0; bin < bins; bin++)
        {
            var (negatives, positives) = ((int)counts[bin], (int)counts[bins + bin]);
            if (negatives + positives == 0 && bin < bins - 1) continue;
            runs.Add(new ScoreRun(bin + 1 - from, negatives, positives));
            from = bin + 1;
        }
        return runs;
    }

    public ValueTask<Statistics> CountAsync(CountTask task, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var rows = records.Rows(task.Judged.Repeat, task.Judged.Agreed);
        var split = rows[task.Judged.Split];
        var outputs = Outputs(ModelOf(rows), task.Judged.Parameters.Span, split);
        var counted = JudgedCounts.Of(study.Task, study.Classes.Count, split.Data.Labels.Span, outputs, study.Evaluation, task.CountsOnly);
        return new(new Statistics([.. counted.Select(c => new StatisticPart(c.Name, MergeRule.Sum, c.Values, [])
        {
            Whole = c.Whole, Bound = c.Whole ? new RecordBound([.. Enumerable.Repeat(1.0, c.Values.Count)], 1) : null,
        })]));
    }

    public ValueTask<ComparisonResult> CompareAsync(ComparisonTask task, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var rows = records.Rows(task.Repeat, task.Agreed);
        var model = ModelOf(rows);
        var stream = seed.For("compare", task.Repeat, task.Baseline, task.Candidate, Site);
        var compared = PairedComparison.Compare(
            study.Task, study.Classes, rows.Test.Data.Labels.Span,
            Outputs(model, task.BaselineParameters.Span, rows.Test), Outputs(model, task.CandidateParameters.Span, rows.Test), study.Evaluation, stream);
        return new(new ComparisonResult(compared.Rows, [.. compared.Differences.Select(d =>
            new PairedDifference(d.Metric, d.Difference, d.Low, d.High, d.StandardError, d.P, d.Test, d.Detectable))]));
    }

    // A federation's schedule ends with its last round, unless the federation itself says how many epochs it spans.
    private int? ScheduleOf(TrainingTask task) =>
        task.Round > 0 && study.Study.FederationOf(task.Model, task.Setting) is { } federation && task.Round <= federation.Rounds
        && (federation.Training as DeclaredNode.Map)?["epochs"] is null ? federation.Rounds * federation.LocalEpochs : null;

    private Model ModelOf(RepeatRows rows) => trainers.Model(rows.Input);

    private static float[] Outputs(Model model, ReadOnlySpan<float> parameters, SplitRows rows)
    {
        var outputs = new float[rows.Data.Rows * model.Outputs];
        if (rows.Data.Rows > 0) model.Predict(parameters, rows.Data, outputs);
        return outputs;
    }

    private (List<GroupResult> Groups, List<FairnessResult> Fairness) Groups(SplitRows rows, float[] outputs, Seed stream)
    {
        var (results, fairness) = (new List<GroupResult>(), new List<FairnessResult>());
        foreach (var sensitive in rows.Groups)
        {
            var judged = GroupEvaluation.Evaluate(
                study.Task, study.Classes, rows.Data.Labels.Span, outputs, sensitive.Names, sensitive.Codes, study.Evaluation, stream.For("attribute", sensitive.Attribute));
            results.AddRange(judged.Groups.Select(g => new GroupResult(sensitive.Attribute, g.Group, g.Rows, g.Metrics.ToFederation())));
            if (judged.Fairness.Count > 0 && judged.Groups.Count > 0)
                fairness.Add(new FairnessResult(sensitive.Attribute, judged.Groups.Sum(g => g.Rows), judged.Groups.Min(g => g.Rows), judged.Fairness.ToFederation(), judged.Supports));
        }
        return (results, fairness);
    }

    private List<Prediction> Predictions(SplitRows rows, float[] outputs)
    {
        var width = rows.Data.Rows == 0 ? 0 : outputs.Length / rows.Data.Rows;
        var predictions = new List<Prediction>(rows.Data.Rows);
        for (var i = 0; i < rows.Data.Rows; i++)
            predictions.Add(new Prediction(rows.SourceRows[i], LabelText(rows.Data.Labels.Span[i]), outputs.AsSpan(i * width, width).ToArray()));
        return predictions;
    }

    private string LabelText(float label) =>
        !study.Task.HasClasses() ? label.ToString("R", CultureInfo.InvariantCulture) : study.Classes[(int)label];
}
