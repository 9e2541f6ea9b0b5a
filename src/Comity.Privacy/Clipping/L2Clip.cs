using System.Numerics;
using System.Numerics.Tensors;

namespace Comity.Privacy.Clipping;

/// <summary>Bounds what one unit can contribute to a sum, in L2 norm.</summary>
public static class L2Clip
{
    // A product rounds up by at most 2⁻²⁴ of itself; a factor lower by 2⁻²² keeps the clipped norm under C in exact arithmetic.
    private const double RoundingRoom = 1 - 1.0 / (1 << 22);

    /// <summary>Scales one unit's contribution so its L2 norm is at most C.</summary>
    /// <param name="update">Flattened parameters, shape [P]; overwritten.</param>
    /// <param name="clipNorm">C &gt; 0, in parameter units.</param>
    /// <returns>The norm before clipping.</returns>
    /// <exception cref="ArgumentException">The update holds NaN or infinity.</exception>
    /// <remarks>Abadi et al. 2016 (arXiv:1607.00133), Algorithm 1, "Clip gradient". Allocates nothing.</remarks>
    public static float ClipInPlace(Span<float> update, float clipNorm)
    {
        if (!(clipNorm > 0 && float.IsFinite(clipNorm))) // this form also rejects NaN
            throw new ArgumentOutOfRangeException(nameof(clipNorm), clipNorm, "Clip norm must be positive and finite.");

        var norm = Norm(update);

        // NaN > C is false, so without this check a poisoned update would leave unclipped.
        if (!double.IsFinite(norm))
            throw new ArgumentException("Update is not finite, so its sensitivity is unbounded.", nameof(update));

        if (norm > clipNorm)
            TensorPrimitives.Multiply(update, (float)(clipNorm / norm * RoundingRoom), update);
        return (float)norm;
    }

    /// <summary>The L2 norm, summed in double so that neither large values nor many small ones lose it.</summary>
    public static double Norm(ReadOnlySpan<float> values)
    {
        var (first, second) = (Vector<double>.Zero, Vector<double>.Zero);
        var at = 0;
        for (; at <= values.Length - Vector<float>.Count; at += Vector<float>.Count)
        {
            Vector.Widen(new Vector<float>(values[at..]), out var low, out var high);
            first += low * low;
            second += high * high;
        }
        var sum = Vector.Sum(first + second);
        for (; at < values.Length; at++) sum += (double)values[at] * values[at];
        return Math.Sqrt(sum);
    }
}
