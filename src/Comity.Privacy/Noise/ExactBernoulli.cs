using System.Numerics;

namespace Comity.Privacy.Noise;

/// <summary>Coins whose bias is exp(−γ) for a rational γ, exactly: integers only, so no rounding can leak.</summary>
/// <remarks>Canonne, Kamath and Steinke 2020 (arXiv:2004.00010), Algorithm 1.</remarks>
internal static class ExactBernoulli
{
    /// <summary>True with probability exp(−numerator/denominator).</summary>
    public static bool ExpMinus(BigInteger numerator, UInt128 denominator, NoiseStream stream)
    {
        var whole = BigInteger.DivRem(numerator, denominator, out var rest);

        // exp(−γ) = exp(−1)^⌊γ⌋ · exp(−rest): a run that fails early stops early, so a huge γ costs little.
        for (BigInteger i = 0; i < whole; i++)
        {
            if (!ExpMinusFraction(1, 1, stream)) return false;
        }
        return ExpMinusFraction((UInt128)rest, denominator, stream);
    }

    /// <summary>True with probability exp(−numerator/denominator), for a fraction of at most 1.</summary>
    public static bool ExpMinusFraction(UInt128 numerator, UInt128 denominator, NoiseStream stream)
    {
        // The k-th coin shows heads with γ/k; the number of heads in a row is even with probability exp(−γ).
        UInt128 k = 1;
        while (stream.Below(checked(denominator * k)) < numerator) k++;
        return (k & 1) == 1;
    }
}
