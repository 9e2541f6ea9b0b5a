using Comity.Tensors.Randomness;

namespace Comity.Learning.Generation;

/// <summary>How the next token is drawn from a model's scores.</summary>
public sealed record Sampling
{
    /// <summary>Divides the scores: below 1 the likely becomes likelier; 0: always the likeliest.</summary>
    public double Temperature { get; init; } = 1;

    /// <summary>Only so many of the likeliest tokens are drawn from; 0: all.</summary>
    public int TopK { get; init; }

    /// <summary>Only the likeliest tokens that together have this probability are drawn from, in (0, 1] (Holtzman et al. 2019, arXiv:1904.09751).</summary>
    public double TopP { get; init; } = 1;

    /// <summary>Draws a token.</summary>
    /// <param name="scores">Scores of all tokens, shape [vocabulary]. Those that stand for no character are never drawn.</param>
    /// <param name="random">The stream.</param>
    /// <exception cref="ArgumentOutOfRangeException">A setting is outside its range.</exception>
    public int Draw(ReadOnlySpan<float> scores, SeededRandom random)
    {
        ArgumentNullException.ThrowIfNull(random);
        if (!(Temperature >= 0 && double.IsFinite(Temperature))) throw new ArgumentOutOfRangeException(nameof(scores), Temperature, "The temperature must be finite and not negative.");
        if (TopK < 0) throw new ArgumentOutOfRangeException(nameof(scores), TopK, "The number of likeliest tokens must not be negative.");
        if (!(TopP > 0 && TopP <= 1)) throw new ArgumentOutOfRangeException(nameof(scores), TopP, "The probability must lie in (0, 1].");
        if (scores.Length <= TokenInput.First) throw new ArgumentException("The vocabulary holds no character.", nameof(scores));

        // The likeliest first; ties by number, so that the order is one.
        var tokens = new int[scores.Length - TokenInput.First];
        var keys = new float[tokens.Length];
        for (var i = 0; i < tokens.Length; i++) (tokens[i], keys[i]) = (i + TokenInput.First, -scores[i + TokenInput.First]);
        Array.Sort(keys, tokens);
        if (Temperature == 0) return tokens[0];
        var kept = TopK == 0 ? tokens.Length : Math.Min(TopK, tokens.Length);
        var shares = new double[kept];
        var sum = 0.0;
        for (var i = 0; i < kept; i++) sum += shares[i] = Math.Exp((keys[0] - keys[i]) / Temperature);
        double reached = 0, limit = TopP * sum;
        for (var i = 0; i < kept; i++)
        {
            reached += shares[i];
            if (reached < limit) continue;
            kept = i + 1;
            break;
        }
        var at = random.NextDouble() * Math.Min(reached, sum);
        for (var i = 0; i < kept - 1; i++)
        {
            at -= shares[i];
            if (at < 0) return tokens[i];
        }
        return tokens[kept - 1];
    }
}
