using Comity.Learning.Evaluation;
using Comity.Tensors.Randomness;

namespace Comity.Learning.Tests.Evaluation;

public sealed class LanguageMetricTests
{
    [Fact]
    public void Costs_are_summed_before_they_are_divided()
    {
        // 100 characters at 1 bit and 300 at 2 bits: 1.75 bits a character.
        float[] characters = [100, 300], nats = [(float)(100 * Math.Log(2)), (float)(600 * Math.Log(2))];
        var judged = Evaluator.Evaluate(TaskKind.NextToken, [], characters, nats, new EvaluationSection { Bootstrap = 0 }, Seed.Of(1));
        Assert.Equal(1.75, judged.Metrics[MetricNames.BitsPerCharacter].Value, 1e-6);
        Assert.Equal(Math.Pow(2, 1.75), judged.Metrics[MetricNames.Perplexity].Value, 1e-5);
        Assert.Empty(judged.Confusion);
        Assert.Empty(judged.ClassCounts);
    }

    [Fact]
    public void An_interval_covers_the_truth_about_as_often_as_it_says_and_a_better_model_is_told_apart()
    {
        var covered = 0;
        for (var run = 0; run < 60; run++)
        {
            var random = Seed.Of(3).For("run", run).ToRandom();
            float[] characters = new float[80], nats = new float[80];
            for (var i = 0; i < 80; i++) (characters[i], nats[i]) = (128, (float)(128 * (1.4 + 0.3 * random.NextGaussian())));
            var bits = Evaluator.Evaluate(TaskKind.NextToken, [], characters, nats, new EvaluationSection { Bootstrap = 300 }, Seed.Of(1).For("judge", run)).Metrics[MetricNames.BitsPerCharacter];
            if (bits.Low <= 1.4 / Math.Log(2) && 1.4 / Math.Log(2) <= bits.High) covered++;
            if (run > 0) continue;
            var better = nats.Select((n, i) => n - 3 - i % 3).ToArray();
            var compared = PairedComparison.Compare(TaskKind.NextToken, [], characters, nats, better, new EvaluationSection { Bootstrap = 300 }, Seed.Of(1).For("judge", run));
            var difference = compared.Differences.Single(d => d.Metric == MetricNames.BitsPerCharacter);
            Assert.True(difference.High < 0 && difference.P < 0.02);
        }
        Assert.InRange(covered, 52, 60);
    }

    [Fact]
    public void Lower_is_better_and_a_row_without_characters_is_refused()
    {
        Assert.False(MetricNames.HigherIsBetter(MetricNames.BitsPerCharacter));
        Assert.False(MetricNames.HigherIsBetter(MetricNames.Perplexity));
        Assert.Throws<ArgumentException>(() => Evaluator.Evaluate(TaskKind.NextToken, [], [0f], [1f], new EvaluationSection(), Seed.Of(1)));
    }
}
