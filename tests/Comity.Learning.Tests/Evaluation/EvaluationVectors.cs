using System.Text.Json;

namespace Comity.Learning.Tests.Evaluation;

/// <summary>What scikit-learn and SciPy say; Vectors/make_vectors.py made the file.</summary>
internal static class EvaluationVectors
{
    public static JsonElement Of(string part)
    {
        using var stream = typeof(EvaluationVectors).Assembly.GetManifestResourceStream("Comity.Learning.Tests.Evaluation.Vectors.evaluation-vectors.json")!;
        return JsonDocument.Parse(stream).RootElement.GetProperty(part);
    }

    public static float[] Floats(this JsonElement list) => [.. list.EnumerateArray().Select(x => x.GetSingle())];

    public static double[] Doubles(this JsonElement list) => [.. list.EnumerateArray().Select(x => x.GetDouble())];

    /// <summary>Probabilities of both classes from those of the positive one.</summary>
    public static float[] BothClasses(IEnumerable<float> positive) => [.. positive.SelectMany(p => new[] { 1 - p, p })];
}
