using Comity.Learning.Evaluation;
using Comity.Tensors.Distributions;
using Comity.Tensors.Randomness;

namespace Comity.Learning.Tests.Evaluation;

public sealed class PairedComparisonTests
{
    private static readonly EvaluationSection Section = new();

    [Fact]
    public void A_model_does_not_differ_from_itself()
    {
        var random = Seed.Of(1).ToRandom();
        var labels = SyntheticScores.Labels(random, 60);
        var outputs = SyntheticScores.Outputs(random, labels);

        var compared = PairedComparison.Compare(TaskKind.Binary, SyntheticScores.NoYes, labels, outputs, outputs, Section, Seed.Of(2));

        Assert.Equal(60, compared.Rows);
        Assert.Equal(MetricNames.ComparedFor(TaskKind.Binary), compared.Differences.Select(d => d.Metric));
        Assert.All(compared.Differences, d => Assert.Equal((0.0, 1.0), (d.Difference, d.P)));
        Assert.All(compared.Differences, d => Assert.True(d.Low <= 0 && d.High >= 0));
    }

    [Fact]
    public void Swapping_the_models_turns_every_sign_and_nothing_else()
    {
        var random = Seed.Of(2).ToRandom();
        var labels = SyntheticScores.Labels(random, 70);
        var (weak, strong) = (SyntheticScores.Outputs(random, labels, 0.8), SyntheticScores.Outputs(random, labels, 2));

        var there = PairedComparison.Compare(TaskKind.Binary, SyntheticScores.NoYes, labels, weak, strong, Section, Seed.Of(2)).Differences;
        var back = PairedComparison.Compare(TaskKind.Binary, SyntheticScores.NoYes, labels, strong, weak, Section, Seed.Of(2)).Differences;

        Assert.All(there.Zip(back), pair =>
        {
            Assert.Equal(pair.First.Difference, -pair.Second.Difference, 12);
            Assert.Equal(pair.First.Low, -pair.Second.High, 12);
            Assert.Equal(pair.First.P, pair.Second.P, 12);
            Assert.Equal(2.8015852181129683 * pair.First.StandardError, pair.First.Detectable, 12);
        });
    }

    [Fact]
    public void Differences_are_those_of_the_separate_judgements()
    {
        var random = Seed.Of(3).ToRandom();
        var labels = SyntheticScores.Labels(random, 90);
        var (baseline, candidate) = (SyntheticScores.Outputs(random, labels, 1), SyntheticScores.Outputs(random, labels, 2.5));

        var before = Evaluator.Evaluate(TaskKind.Binary, SyntheticScores.NoYes, labels, baseline, Section, Seed.Of(1), detailed: false).Metrics;
        var after = Evaluator.Evaluate(TaskKind.Binary, SyntheticScores.NoYes, labels, candidate, Section, Seed.Of(1), detailed: false).Metrics;
        var compared = PairedComparison.Compare(TaskKind.Binary, SyntheticScores.NoYes, labels, baseline, candidate, Section, Seed.Of(1)).Differences;

        Assert.All(compared, d => Assert.Equal(after[d.Metric].Value - before[d.Metric].Value, d.Difference, 12));
        Assert.All(compared, d => Assert.True(d.P < 0.02, $"{d}"));
        Assert.Equal(["mcnemar", "bootstrap", "bootstrap", "delong", "bootstrap", "bootstrap", "bootstrap"], compared.Select(d => d.Test));
    }

    [Fact]
    public void Mcnemars_mid_p_agrees_with_scipys_binomial()
    {
        Assert.All(EvaluationVectors.Of("mcnemarMidP").EnumerateArray().Select(v => v.Doubles()), v =>
        {
            // Rows on which only one is right; one row more on which both are.
            var (lost, gained) = ((int)v[0], (int)v[1]);
            float[] baseline = [.. Enumerable.Range(0, lost + gained + 1).Select(i => i < lost ? 0.9f : i < lost + gained ? 0.1f : 0.9f)];
            float[] candidate = [.. Enumerable.Range(0, lost + gained + 1).Select(i => i < lost ? 0.1f : 0.9f)];
            float[] labels = [.. Enumerable.Repeat(1f, lost + gained + 1)];

            var accuracy = PairedComparison.Compare(TaskKind.Binary, SyntheticScores.NoYes, labels,
                EvaluationVectors.BothClasses(baseline), EvaluationVectors.BothClasses(candidate), Section, Seed.Of(1)).Differences[0];

            Assert.Equal(v[2], accuracy.P, 1e-12);
            Assert.Equal((gained - lost) / (lost + gained + 1.0), accuracy.Difference, 12);
        });
    }

    [Fact]
    public void Mcnemar_does_not_underflow_with_thousands_of_disagreements()
    {
        float[] labels = [.. Enumerable.Repeat(1f, 6000)];
        float[] baseline = [.. Enumerable.Range(0, 6000).Select(i => i < 3050 ? 0.9f : 0.1f)];
        float[] candidate = [.. baseline.Select(p => 1 - p)];

        var accuracy = PairedComparison.Compare(TaskKind.Binary, SyntheticScores.NoYes, labels,
            EvaluationVectors.BothClasses(baseline), EvaluationVectors.BothClasses(candidate), Section with { Bootstrap = 0 }, Seed.Of(1)).Differences[0];

        Assert.Equal(NormalDistribution.TwoSided(100 / Math.Sqrt(6000)), accuracy.P, 0.002);
    }

    [Theory]
    [InlineData(5)]
    [InlineData(1000)]
    public void Delong_agrees_with_its_definition_over_all_pairs(int levels)
    {
        var random = Seed.Of(9).For("delong", levels).ToRandom();
        var labels = SyntheticScores.Labels(random, 70);
        float[] one = [.. labels.Select(_ => random.NextInt32(levels) / (float)levels)];
        float[] two = [.. labels.Select((y, i) => Math.Min(1, (one[i] + random.NextInt32(levels) / (float)levels + y / 2) / 3))];

        var auc = PairedComparison.Compare(TaskKind.Binary, SyntheticScores.NoYes, labels,
            EvaluationVectors.BothClasses(one), EvaluationVectors.BothClasses(two), Section, Seed.Of(1)).Differences.Single(d => d.Metric == "rocAuc");

        Assert.Equal(SlowTwins.RocAuc(labels, two) - SlowTwins.RocAuc(labels, one), auc.Difference, 12);
        Assert.Equal(SlowTwins.DeLongError(labels, one, two), auc.StandardError, 12);
        Assert.Equal(NormalDistribution.TwoSided(auc.Difference / auc.StandardError), auc.P, 12);
    }

    [Fact]
    public void Stretching_the_scores_changes_no_ranking()
    {
        var random = Seed.Of(9).ToRandom();
        var labels = SyntheticScores.Labels(random, 50);
        var scores = SyntheticScores.Outputs(random, labels);
        float[] stretched = EvaluationVectors.BothClasses(scores.Where((_, i) => i % 2 == 1).Select(p => p / 2));

        var differences = PairedComparison.Compare(TaskKind.Binary, SyntheticScores.NoYes, labels, scores, stretched, Section, Seed.Of(1)).Differences;

        Assert.Equal((0.0, 1.0), differences.Where(d => d.Metric == "rocAuc").Select(d => (d.Difference, d.P)).Single());
        Assert.True(differences.Single(d => d.Metric == "logLoss").Difference > 0);
    }

    [Fact]
    public void A_bootstrapped_mean_has_the_standard_error_of_a_mean()
    {
        var random = Seed.Of(10).ToRandom();
        float[] labels = [.. Enumerable.Range(0, 200).Select(_ => (float)random.NextGaussian())];
        float[] baseline = [.. labels.Select(y => y + (float)random.NextGaussian())];
        float[] candidate = [.. labels.Select(y => y + (float)random.NextGaussian() * 0.9f)];

        var mae = PairedComparison.Compare(TaskKind.Regression, [], labels, baseline, candidate, Section with { Bootstrap = 4000 }, Seed.Of(1)).Differences.Single(d => d.Metric == "mae");

        var gaps = labels.Select((y, i) => (double)(Math.Abs(candidate[i] - y) - Math.Abs(baseline[i] - y))).ToArray();
        var error = Math.Sqrt(gaps.Sum(g => Math.Pow(g - gaps.Average(), 2)) / 199 / 200);
        Assert.Equal(gaps.Average(), mae.Difference, 6);
        Assert.InRange(mae.StandardError / error, 0.94, 1.06);
    }

    [Fact]
    public void What_cannot_be_compared_is_undefined_and_does_not_throw()
    {
        var nothing = PairedComparison.Compare(TaskKind.Multiclass, ["a", "b", "c"], [], [], [], Section, Seed.Of(1));
        var oneClass = PairedComparison.Compare(TaskKind.Binary, SyntheticScores.NoYes, [1, 1, 1],
            EvaluationVectors.BothClasses([0.9f, 0.8f, 0.3f]), EvaluationVectors.BothClasses([0.9f, 0.8f, 0.7f]), Section, Seed.Of(1));
        var broken = PairedComparison.Compare(TaskKind.Regression, [], [1, 2], [1, 2], [1, float.NaN], Section, Seed.Of(1));

        Assert.All(nothing.Differences.Concat(broken.Differences), d => Assert.True(double.IsNaN(d.Difference) && double.IsNaN(d.P)));
        Assert.True(double.IsNaN(oneClass.Differences.Single(d => d.Metric == "rocAuc").P));
        Assert.Equal(1.0 / 3, oneClass.Differences.Single(d => d.Metric == "accuracy").Difference, 12);
    }

    [Fact]
    public void Under_the_null_each_test_cries_wolf_about_one_time_in_twenty()
    {
        const int studies = 400;
        var alarms = MetricNames.ComparedFor(TaskKind.Binary).ToDictionary(m => m, _ => 0);
        for (var study = 0; study < studies; study++)
        {
            var random = Seed.Of(23).For("null", study).ToRandom();
            var labels = SyntheticScores.Labels(random, 80);
            var compared = PairedComparison.Compare(TaskKind.Binary, SyntheticScores.NoYes, labels,
                SyntheticScores.Outputs(random, labels), SyntheticScores.Outputs(random, labels), Section with { Bootstrap = 300 }, Seed.Of(5).For("s", study));
            foreach (var d in compared.Differences)
            {
                if (d.P < 0.05) alarms[d.Metric]++;
            }
        }

        // Binomial spread of 400 studies at 5% is 1.1%.
        Assert.All(alarms, a => Assert.InRange(a.Value / (double)studies, 0.02, 0.09));
    }

    [Fact]
    public void A_true_difference_of_the_detectable_size_is_found_about_four_times_in_five()
    {
        const int studies = 300;
        int found = 0;
        var detectable = 0.0;
        for (var study = 0; study < studies; study++)
        {
            var random = Seed.Of(29).For("power", study).ToRandom();
            float[] labels = [.. Enumerable.Range(0, 60).Select(_ => (float)random.NextGaussian())];
            float[] baseline = [.. labels.Select(y => y + 3)];
            // The absolute error differs by normal noise of spread 1 around −0.3617: 2.8016 standard errors of 1/√60.
            float[] candidate = [.. labels.Select(y => y + 3 + (float)random.NextGaussian() * 1f - 0.3617f)];
            var mae = PairedComparison.Compare(TaskKind.Regression, [], labels, baseline, candidate, Section with { Bootstrap = 300 }, Seed.Of(6).For("s", study)).Differences.Single(d => d.Metric == "mae");
            if (mae.P < 0.05) found++;
            detectable += mae.Detectable / studies;
        }

        Assert.Equal(0.3617, detectable, 0.02);
        Assert.InRange(found / (double)studies, 0.72, 0.88);
    }
}
