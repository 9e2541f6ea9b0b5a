namespace Comity.Serving.Inference;

/// <summary>The one number of an answer that is watched over time.</summary>
public static class Score
{
    /// <summary>Probability of the positive class of two, of the likeliest of several, or the value itself.</summary>
    /// <param name="outputs">Probabilities by class, or the one value.</param>
    public static float Of(ReadOnlySpan<float> outputs)
    {
        if (outputs.Length <= 2) return outputs[^1];
        var largest = outputs[0];
        foreach (var value in outputs) largest = Math.Max(largest, value);
        return largest;
    }

    /// <summary>The class called: for two classes the positive one from a half on, as in the study's judging by default.</summary>
    public static int Called(ReadOnlySpan<float> probabilities)
    {
        if (probabilities.Length == 2) return probabilities[1] >= 0.5f ? 1 : 0;
        var best = 0;
        for (var c = 1; c < probabilities.Length; c++)
            if (probabilities[c] > probabilities[best]) best = c;
        return best;
    }
}
