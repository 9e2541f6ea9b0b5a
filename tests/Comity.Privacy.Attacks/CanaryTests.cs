using System.Globalization;
using Comity.Learning;
using Comity.Learning.Models;
using Comity.Learning.Training;
using Comity.Learning.Training.Optimizers;
using Comity.Learning.Training.Private;
using Comity.Privacy.Accounting;
using Comity.Privacy.Auditing;
using Comity.Privacy.Noise;
using Comity.Tensors.Randomness;

namespace Comity.Privacy.Attacks;

/// <summary>Canaries put into the real private trainer by the flip of a coin: its ε is never refuted, and a trainer with a quarter of the noise is.</summary>
public sealed class CanaryTests
{
    [Theory]
    [InlineData(1000, 100, 100, 0, 3.493)]
    [InlineData(1000, 100, 100, 1e-5, 3.465)]
    [InlineData(1000, 100, 90, 0, 1.631)]
    [InlineData(1000, 100, 50, 0, 0)]
    [InlineData(5000, 1000, 1000, 0, 5.80907)] // ln(q / (1 − q)) with q¹⁰⁰⁰ = 0.05
    [InlineData(5000, 1000, 1000, 1e-5, 5.673)] // this and the first four: as published code computes them (jax_privacy)
    public void The_bound_is_the_published_one(int canaries, int guesses, int right, double delta, double expected) =>
        Assert.Equal(expected, OneRunAudit.EpsilonLowerBound(canaries, guesses, right, delta), 2e-3);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    [InlineData(8)]
    public void In_at_most_a_twentieth_of_runs_the_bound_exceeds_a_true_claim_and_a_quarter_of_the_noise_is_caught(double claim) =>
        Judge("Gaussian mechanism", Audit.Of(claim), LongForm.Of(20, 200), Mechanism);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    [InlineData(8)]
    public void The_trainer_keeps_its_word_and_a_quarter_of_its_noise_is_caught(double claim) =>
        Judge("private trainer", Audit.Of(claim), LongForm.Of(6, 200), Trainer);

    // A row of the table under bench/results, and what it must hold.
    private static void Judge(string what, Audit audit, int runs, Func<Audit, double, int, (double[] Scores, bool[] In)> attacked)
    {
        var honest = Bounds(audit.Noise);
        var weak = Bounds(audit.Noise / 4);
        var (over, caught) = (honest.Count(b => b > audit.Claim), weak.Count(b => b > audit.Claim));
        TestContext.Current.TestOutputHelper!.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"| {what} | {audit.Claim} | {audit.Delta} | {audit.Canaries}, {audit.Guesses} | {runs} | {over} | {honest[runs / 2]:F2}, {honest[^1]:F2} | {caught} | {weak[runs / 2]:F2} |"));
        Assert.InRange(over, 0, (int)(0.05 * runs) + (LongForm.Wanted ? 0 : 1));
        Assert.True(caught >= 0.9 * runs, $"{caught} of {runs}");

        double[] Bounds(double noise) => [.. Enumerable.Range(0, runs).AsParallel().Select(run => Bound(audit, attacked(audit, noise, run))).Order()];
    }

    // The highest scores are guessed to be in, the lowest out; how many is fixed beforehand.
    private static double Bound(Audit audit, (double[] Scores, bool[] In) run)
    {
        var order = Enumerable.Range(0, run.Scores.Length).OrderBy(i => run.Scores[i]).ToArray();
        var right = order[..(audit.Guesses / 2)].Count(i => !run.In[i]) + order[^(audit.Guesses / 2)..].Count(i => run.In[i]);
        return OneRunAudit.EpsilonLowerBound(run.Scores.Length, audit.Guesses, right, audit.Delta);
    }

    // Canaries in directions of their own, under the mechanism itself.
    private static (double[], bool[]) Mechanism(Audit audit, double noise, int run)
    {
        var random = Seed.Of(17).For("mechanism", run).ToRandom();
        bool[] inside = [.. Enumerable.Range(0, audit.Canaries).Select(_ => random.NextDouble() < 0.5)];
        return ([.. inside.Select(b => (b ? 1 : 0) + (noise * random.NextGaussian()))], inside);
    }

    // Each canary is in one of many trainings and has a column of its own there, so its clipped gradient lies in one direction: the strongest attack on one step.
    private static (double[], bool[]) Trainer(Audit audit, double noise, int run)
    {
        const int Each = 500;
        var random = Seed.Of(19).For("trainer", run).ToRandom();
        bool[] inside = [.. Enumerable.Range(0, audit.Canaries).Select(_ => random.NextDouble() < 0.5)];
        using var stream = NoiseStream.Repeatable([.. BitConverter.GetBytes(run), .. new byte[28]]);
        var scores = new List<double>();
        foreach (var part in inside.Chunk(Each)) scores.AddRange(TrainOn(part, noise, stream));
        return ([.. scores], inside);
    }

    private static IEnumerable<double> TrainOn(bool[] inside, double noise, NoiseStream stream)
    {
        int[] rows = [.. Enumerable.Range(0, inside.Length).Where(i => inside[i])];
        var features = new float[rows.Length * inside.Length];
        for (var r = 0; r < rows.Length; r++) features[(r * inside.Length) + rows[r]] = 1000;
        var model = ModelFactory.Create(new LogisticSection(), inside.Length, TaskKind.Binary, 2);
        var parameters = new float[model.Layout.Length];
        var labels = Enumerable.Repeat(1f, rows.Length).ToArray();
        var training = new TrainingSection { Batch = rows.Length, Epochs = 1, Optimizer = new SgdSection { LearningRate = 1 } };
        var request = new TrainerRequest { Seed = Seed.Of(1), Private = new PrivateTraining { ClipNorm = 1, NoiseMultiplier = noise, Noise = stream } };
        new Learning.Training.Trainer(model, training).Train(parameters, new Dataset(features, labels, inside.Length), null, request, TestContext.Current.CancellationToken);
        var weight = model.Layout.Entries.First(e => e.Length == inside.Length);
        return Enumerable.Range(0, inside.Length).Select(i => (double)parameters[weight.Offset + i] * rows.Length); // the sum, as the step divides it by its rows
    }

    /// <summary>How a claim is put to the test: r guesses that are all right refute no more than about ln(r / 3), so a large claim takes many, and a small δ with them.</summary>
    private sealed record Audit(double Claim, double Delta, int Canaries, int Guesses)
    {
        public static Audit Of(double claim) => claim > 4 ? new(claim, 1e-7, 40_000, 20_000) : new(claim, 1e-5, 5000, 200);

        public double Noise => AnalyticGaussian.NoiseMultiplier(Claim, Delta);
    }
}
