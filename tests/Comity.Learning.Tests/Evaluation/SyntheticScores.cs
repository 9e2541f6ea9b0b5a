using Comity.Learning.Evaluation;
using Comity.Tensors.Distributions;
using Comity.Tensors.Randomness;

namespace Comity.Learning.Tests.Evaluation;

/// <summary>Rows whose truth is known, for judging the judge: 40% positive, scores normal around 0 or <c>shift</c>.</summary>
internal static class SyntheticScores
{
    public static readonly string[] NoYes = ["no", "yes"];

    public static float[] Labels(SeededRandom random, int rows)
    {
        var labels = new float[rows];
        for (var i = 0; i < rows; i++) labels[i] = random.NextDouble() < 0.4 ? 1 : 0;
        return labels;
    }

    /// <summary>The Bayes-optimal probabilities of one noisy look at each row: calibrated by construction.</summary>
    public static float[] Outputs(SeededRandom random, float[] labels, double shift = 1.5) =>
        EvaluationVectors.BothClasses(labels.Select(y =>
        {
            var x = random.NextGaussian() + shift * y;
            return (float)(1 / (1 + Math.Exp(-(shift * x - shift * shift / 2 + Math.Log(0.4 / 0.6)))));
        }));

    /// <summary>The true ROC AUC: Φ(shift / √2).</summary>
    public static double RocAuc(double shift = 1.5) => NormalDistribution.Cumulative(shift / Math.Sqrt(2));
}
