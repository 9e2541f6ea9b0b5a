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
    private const double Delta = 1e-5;

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
    public void In_at_most_a_twentieth_of_runs_the_bound_exceeds_a_true_claim(double epsilon)
    {
        // Canaries in directions of their own, under the mechanism itself: 5,000 of them, many runs.
        var runs = LongForm.Of(40, 200);
        var noise = AnalyticGaussian.NoiseMultiplier(epsilon, Delta);
        var over = Enumerable.Range(0, runs).AsParallel().Count(run => Bound(Mechanism(5000, noise, run)) > epsilon);
        Assert.InRange(over, 0, (int)(0.05 * runs) + (LongForm.Wanted ? 0 : 1));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    public void A_mechanism_with_a_quarter_of_the_noise_is_caught(double claim)
    {
        var runs = LongForm.Of(20, 200);
        var noise = AnalyticGaussian.NoiseMultiplier(claim, Delta) / 4;
        var caught = Enumerable.Range(0, runs).AsParallel().Count(run => Bound(Mechanism(5000, noise, run)) > claim);
        Assert.True(caught >= 0.9 * runs, $"{caught} of {runs}");
    }

    [Fact]
    public void The_trainer_keeps_its_word_and_a_quarter_of_its_noise_would_be_found()
    {
        const double Claim = 2;
        var runs = LongForm.Of(6, 50);
        var noise = AnalyticGaussian.NoiseMultiplier(Claim, Delta);
        var honest = Enumerable.Range(0, runs).Select(run => Bound(Trainer(1000, noise, run))).ToList();
        var weak = Enumerable.Range(0, runs).Select(run => Bound(Trainer(1000, noise / 4, run))).ToList();

        Assert.InRange(honest.Count(b => b > Claim), 0, LongForm.Wanted ? runs / 20 : 0);
        Assert.True(weak.Count(b => b > Claim) >= 0.8 * runs, string.Join(' ', weak));
    }

    // The highest scores are guessed to be in, the lowest out; how many is fixed beforehand.
    private static double Bound((double[] Scores, bool[] In) run)
    {
        var each = Math.Max(20, run.Scores.Length / 50);
        var order = Enumerable.Range(0, run.Scores.Length).OrderBy(i => run.Scores[i]).ToArray();
        var right = order[..each].Count(i => !run.In[i]) + order[^each..].Count(i => run.In[i]);
        return OneRunAudit.EpsilonLowerBound(run.Scores.Length, 2 * each, right, Delta);
    }

    private static (double[], bool[]) Mechanism(int canaries, double noise, int run)
    {
        var random = Seed.Of(17).For("mechanism", run).ToRandom();
        bool[] inside = [.. Enumerable.Range(0, canaries).Select(_ => random.NextDouble() < 0.5)];
        return ([.. inside.Select(b => (b ? 1 : 0) + (noise * random.NextGaussian()))], inside);
    }

    // Each canary is a record with a column of its own, so its clipped gradient lies in one direction: the strongest attack on one step.
    private static (double[], bool[]) Trainer(int canaries, double noise, int run)
    {
        var random = Seed.Of(19).For("trainer", run).ToRandom();
        bool[] inside = [.. Enumerable.Range(0, canaries).Select(_ => random.NextDouble() < 0.5)];
        int[] rows = [.. Enumerable.Range(0, canaries).Where(i => inside[i])];
        var features = new float[rows.Length * canaries];
        for (var r = 0; r < rows.Length; r++) features[(r * canaries) + rows[r]] = 1000;
        var model = ModelFactory.Create(new LogisticSection(), canaries, TaskKind.Binary, 2);
        var parameters = new float[model.Layout.Length];
        var labels = Enumerable.Repeat(1f, rows.Length).ToArray();
        using var stream = NoiseStream.Repeatable([.. BitConverter.GetBytes(run), .. new byte[28]]);
        var training = new TrainingSection { Batch = rows.Length, Epochs = 1, Optimizer = new SgdSection { LearningRate = 1 } };
        var request = new TrainerRequest { Seed = Seed.Of(1).For("run", run), Private = new PrivateTraining { ClipNorm = 1, NoiseMultiplier = noise, Noise = stream } };
        new Learning.Training.Trainer(model, training).Train(parameters, new Dataset(features, labels, canaries), null, request, TestContext.Current.CancellationToken);
        var weight = model.Layout.Entries.First(e => e.Length == canaries);
        return ([.. Enumerable.Range(0, canaries).Select(i => (double)parameters[weight.Offset + i])], inside);
    }
}
