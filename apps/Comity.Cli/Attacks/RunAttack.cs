using System.Security.Cryptography;
using Comity.Cli.Composition;
using Comity.Cli.Runs;
using Comity.Data.Tables;
using Comity.Federation.Results;
using Comity.Learning;
using Comity.Learning.Attacks;
using Comity.Learning.Training;
using Comity.Learning.Training.Optimizers;
using Comity.Learning.Training.Private;
using Comity.Privacy.Noise;
using Comity.Tensors.Randomness;

namespace Comity.Cli.Attacks;

/// <summary>Attacks one model of a run, with the study's own trainer for shadow models.</summary>
internal sealed class RunAttack(CheckedStudy study, ModelFolder target, ModelInfo attacked, IReadOnlyList<PrivacyInfo> privacy, int shadows)
{
    private const int MostRows = 1000;
    private const int MostRecords = 100;
    private readonly Seed _seed = Seed.Of(study.Study.Study.Seed).For("attack", attacked.Id);

    public AttackReport Run(CancellationToken cancellationToken)
    {
        var (training, test) = Rows();
        var noise = privacy.FirstOrDefault(p => p.NoiseMultiplier > 0 && p.ClipNorm > 0);
        var inversion = Invert(training, null, cancellationToken);
        var noised = inversion is null || noise is null ? null : Invert(training, noise, cancellationToken);
        return new(study.Study.Study.Study, attacked.Id, inversion, noised, Membership(training, test, cancellationToken));
    }

    // What the model saw and what it never saw, encoded as it was for the model.
    private (Dataset Training, Dataset Test) Rows()
    {
        var seed = Seed.Of(study.Study.Study.Seed);
        var cache = new EncodingCache(0);
        Dataset Joined(Func<SiteRecords, RecordTable, int[]> rows)
        {
            var (features, labels) = (new List<float>(), new List<float>());
            foreach (var table in study.Tables.Where(t => attacked.TrainedOn.Contains(t.Site)))
            {
                var data = target.Preprocessing.Encode(table, rows(new SiteRecords(study.Study, table, seed, cache), table)).ToDataset(target.Model.Inputs);
                for (var i = 0; i < data.Rows; i++) features.AddRange(data.Row(i));
                labels.AddRange(data.Labels.Span);
            }
            return new Dataset(features.ToArray(), labels.ToArray(), target.Model.Inputs);
        }
        return (Joined((records, _) => records.Split(0).Training), Joined((records, _) => records.Split(0).Test));
    }

    private InversionFound? Invert(Dataset training, PrivacyInfo? noise, CancellationToken cancellationToken)
    {
        var (exact, correlations) = (0, new List<double>());
        var step = new Trainer(target.Model, new TrainingSection { Loss = study.Study.Training.Loss, Batch = 1, Epochs = 1, Optimizer = new SgdSection { LearningRate = 1 } });
        for (var i = 0; i < Math.Min(MostRecords, training.Rows); i++)
        {
            var trained = target.Parameters.ToArray();
            using var stream = noise is null ? null : NoiseStream.Secure();
            var request = new TrainerRequest { Seed = _seed, Private = noise is null ? null : new PrivateTraining { ClipNorm = noise.ClipNorm, NoiseMultiplier = noise.NoiseMultiplier, Noise = stream! } };
            step.Train(trained, training.Choose([i]), null, request, cancellationToken);
            for (var p = 0; p < trained.Length; p++) trained[p] -= target.Parameters[p];
            if (GradientInversion.Record(trained, target.Model.Layout, training.Width) is not { } found) continue;
            var truth = training.Row(i);
            var (error, correlation) = GradientInversion.Compare(found, truth);
            var length = 0.0;
            foreach (var value in truth) length += (double)value * value;
            if (error < 1e-3 * Math.Sqrt(length / truth.Length)) exact++;
            if (double.IsFinite(correlation)) correlations.Add(correlation);
        }
        return correlations.Count == 0 ? null : new(correlations.Count, exact, correlations.Order().ElementAt(correlations.Count / 2));
    }

    private MembershipFound? Membership(Dataset training, Dataset test, CancellationToken cancellationToken)
    {
        var each = Math.Min(MostRows, Math.Min(training.Rows, test.Rows));
        if (each < 20 || study.Study.Task is not (TaskKind.Binary or TaskKind.Multiclass)) return null;
        // As many members as others, so that guessing is worth one half.
        var pool = Join(training, Drawn(training.Rows, each, "members"), test, Drawn(test.Rows, each, "others"));
        bool[] members = [.. Enumerable.Range(0, 2 * each).Select(i => i < each)];
        var (confidences, trainedOn) = (new List<double[]>(), new List<bool[]>());
        for (var s = 0; s < shadows - (shadows % 2); s++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            // In pairs of complements, so that every record is in as many shadows as it is out of.
            var order = Drawn(2 * each, 2 * each, $"shadow-{s / 2}");
            var half = s % 2 == 0 ? order[..each] : order[each..];
            var parameters = new float[target.Parameters.Length];
            target.Model.Initialise(parameters, _seed.For("first", s).ToRandom());
            new Trainer(target.Model, study.Study.Training).Train(parameters, pool.Choose(half), null, new TrainerRequest { Seed = _seed.For("train", s) }, cancellationToken);
            var inside = new bool[2 * each];
            foreach (var row in half) inside[row] = true;
            confidences.Add(Confidence(parameters, pool));
            trainedOn.Add(inside);
        }
        var scores = MembershipInference.Scores(Confidence(target.Parameters, pool), confidences, trainedOn);
        var (auc, at10) = MembershipInference.Judge(scores, members, 0.1);
        var (_, at1) = MembershipInference.Judge(scores, members, 0.01);
        var spread = 1.96 * StandardError(auc, each);
        return new(each, each, confidences.Count, auc, Math.Max(0, auc - spread), Math.Min(1, auc + spread), at10, at1);
    }

    private double[] Confidence(float[] parameters, Dataset pool)
    {
        var each = target.Model.Outputs;
        var outputs = new float[pool.Rows * each];
        target.Model.Predict(parameters, pool, outputs);
        var labels = pool.Labels;
        return [.. Enumerable.Range(0, pool.Rows).Select(i => MembershipInference.Confidence(each == 1 ? (labels.Span[i] > 0.5f ? outputs[i] : 1 - outputs[i]) : outputs[(i * each) + (int)labels.Span[i]]))];
    }

    private int[] Drawn(int of, int count, string name)
    {
        var order = Enumerable.Range(0, of).ToArray();
        _seed.For("draw", name).ToRandom().Shuffle<int>(order);
        return order[..count];
    }

    private static Dataset Join(Dataset a, int[] rowsOfA, Dataset b, int[] rowsOfB)
    {
        var (first, second) = (a.Choose(rowsOfA), b.Choose(rowsOfB));
        var (features, labels) = (new float[(first.Rows + second.Rows) * a.Width], new float[first.Rows + second.Rows]);
        for (var i = 0; i < first.Rows; i++) first.Row(i).CopyTo(features.AsSpan(i * a.Width));
        for (var i = 0; i < second.Rows; i++) second.Row(i).CopyTo(features.AsSpan((first.Rows + i) * a.Width));
        first.Labels.Span.CopyTo(labels);
        second.Labels.Span.CopyTo(labels.AsSpan(first.Rows));
        return new Dataset(features, labels, a.Width);
    }

    // Hanley and McNeil 1982, for as many members as others.
    private static double StandardError(double auc, int each)
    {
        var (q1, q2) = (auc / (2 - auc), 2 * auc * auc / (1 + auc));
        return Math.Sqrt(Math.Max(0, (auc * (1 - auc)) + ((each - 1) * (q1 - (auc * auc))) + ((each - 1) * (q2 - (auc * auc)))) / ((double)each * each));
    }
}
