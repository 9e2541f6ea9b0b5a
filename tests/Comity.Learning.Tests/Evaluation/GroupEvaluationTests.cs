using Comity.Learning.Evaluation;
using Comity.Tensors.Randomness;

namespace Comity.Learning.Tests.Evaluation;

public sealed class GroupEvaluationTests
{
    // shared/reference/test-vectors.json, "fairness": A is the first five rows, B the others.
    private static readonly float[] Labels = [1, 1, 0, 0, 1, 0, 1, 1, 0, 0];
    private static readonly float[] Outputs = EvaluationVectors.BothClasses([1, 0, 0, 0, 1, 0, 1, 1, 1, 0]);
    private static readonly int[] GroupOf = [0, 0, 0, 0, 0, 1, 1, 1, 1, 1];

    [Fact]
    public void Rates_and_differences_agree_with_the_published_vector()
    {
        var judged = GroupEvaluation.Evaluate(TaskKind.Binary, SyntheticScores.NoYes, Labels, Outputs, ["A", "B"], GroupOf, new EvaluationSection(), Seed.Of(1));

        Assert.Equal(["A", "B"], judged.Groups.Select(g => g.Group));
        Assert.Equal([0.4, 0.6], judged.Groups.Select(g => Math.Round(g.Metrics["selectionRate"].Value, 12)));
        Assert.Equal([0.6666666667, 1], judged.Groups.Select(g => Math.Round(g.Metrics["truePositiveRate"].Value, 10)));
        Assert.Equal([0, 0.3333333333], judged.Groups.Select(g => Math.Round(g.Metrics["falsePositiveRate"].Value, 10)));
        Assert.Equal(0.2, judged.Fairness["demographicParityDifference"].Value, 12);
        Assert.Equal(2.0 / 3, judged.Fairness["demographicParityRatio"].Value, 12);
        Assert.Equal(0.1, judged.Fairness["demographicParityToOverall"].Value, 12);
        Assert.Equal(1.0 / 3, judged.Fairness["equalisedOddsDifference"].Value, 12);
        Assert.Equal(1.0 / 3, judged.Fairness["equalisedOddsMeanDifference"].Value, 12);
        Assert.Equal(0, judged.Fairness["equalisedOddsRatio"].Value, 12);
        Assert.Equal(1.0 / 3, judged.Fairness["equalOpportunityDifference"].Value, 12);
    }

    [Fact]
    public void A_groups_metrics_are_those_of_its_rows_alone()
    {
        var judged = GroupEvaluation.Evaluate(TaskKind.Binary, SyntheticScores.NoYes, Labels, Outputs, ["A", "B"], GroupOf, new EvaluationSection(), Seed.Of(1));
        var alone = Evaluator.Evaluate(TaskKind.Binary, SyntheticScores.NoYes, Labels.AsSpan(5), Outputs.AsSpan(10), new EvaluationSection(), Seed.Of(1));

        Assert.All(alone.Metrics, m => Assert.Equal(m.Value.Value, judged.Groups[1].Metrics[m.Key].Value));
        Assert.Contains("thin-test:5", judged.Groups[1].Warnings);
    }

    [Fact]
    public void A_measure_tells_the_fewest_rows_behind_its_rates()
    {
        int[] groupOf = [0, 0, 0, 1, 1, 1, 1, 1, 1, -1]; // A: two positive, one negative; B: three of each

        var supports = GroupEvaluation.Evaluate(TaskKind.Binary, SyntheticScores.NoYes, Labels, Outputs, ["A", "B"], groupOf, new EvaluationSection(), Seed.Of(1)).Supports;

        Assert.Equal(7, supports.Count);
        Assert.Equal(3, supports["demographicParityDifference"]);
        Assert.Equal(2, supports["equalOpportunityDifference"]);
        Assert.Equal(1, supports["equalisedOddsRatio"]);
    }

    [Fact]
    public void Rows_without_a_group_and_groups_without_rows_are_left_out()
    {
        int[] groupOf = [0, 0, 0, 0, 0, -1, -1, -1, -1, -1];

        var judged = GroupEvaluation.Evaluate(TaskKind.Binary, SyntheticScores.NoYes, Labels, Outputs, ["A", "B"], groupOf, new EvaluationSection(), Seed.Of(1));

        Assert.Equal("A", Assert.Single(judged.Groups).Group);
        Assert.True(double.IsNaN(judged.Fairness["demographicParityDifference"].Value));
    }

    [Fact]
    public void Equal_treatment_lies_within_the_interval_and_gross_unfairness_does_not_hide()
    {
        var random = Seed.Of(31).ToRandom();
        var labels = SyntheticScores.Labels(random, 400);
        var fair = SyntheticScores.Outputs(random, labels);
        int[] groupOf = [.. labels.Select((_, i) => i % 2)];
        float[] unfair = [.. fair.Select((p, i) => groupOf[i / 2] == 0 ? i % 2 == 0 ? 0.9f : 0.1f : p)]; // nobody of the first group is called

        var even = GroupEvaluation.Evaluate(TaskKind.Binary, SyntheticScores.NoYes, labels, fair, ["a", "b"], groupOf, new EvaluationSection(), Seed.Of(1)).Fairness;
        var uneven = GroupEvaluation.Evaluate(TaskKind.Binary, SyntheticScores.NoYes, labels, unfair, ["a", "b"], groupOf, new EvaluationSection(), Seed.Of(1)).Fairness;

        Assert.True(even["demographicParityDifference"].Low < 0.03);
        Assert.Equal(0, uneven["demographicParityRatio"].Value);
        Assert.True(uneven["equalOpportunityDifference"].Low > 0.5);
    }

    [Fact]
    public void Numbers_are_judged_by_group_too()
    {
        var judged = GroupEvaluation.Evaluate(TaskKind.Regression, [], [1, 2, 3, 4], [1, 2, 4, 6], ["x", "y"], [0, 0, 1, 1], new EvaluationSection(), Seed.Of(1));

        Assert.Equal([0, 1.5], judged.Groups.Select(g => g.Metrics["mae"].Value));
        Assert.Empty(judged.Fairness);
        Assert.Empty(judged.Supports);
    }

    [Fact]
    public void A_group_without_a_name_is_refused() =>
        Assert.Throws<ArgumentException>(() => GroupEvaluation.Evaluate(TaskKind.Regression, [], [1], [1], ["x"], [1], new EvaluationSection(), Seed.Of(1)));
}
