using System.Numerics;

namespace Comity.Federation.Rounds;

/// <summary>What the gate found.</summary>
/// <param name="Refusal">A code of <see cref="RefusalReason"/>; null: passed.</param>
/// <param name="Norm">L2 norm of the model's difference; NaN when refused before it was measured.</param>
public readonly record struct GateVerdict(string? Refusal, double Norm)
{
    /// <summary>Whether the update may go on.</summary>
    public bool Passed => Refusal is null;
}

/// <summary>The one way out of a site, and the same check again at the coordinator, which trusts no site's word.</summary>
/// <remarks>
/// Stages, in this order and no other:
/// <code>
/// shape → finite → norm → proof of privacy → store → charge → send
/// </code>
/// The last four are <see cref="Privacy.SiteGate"/>'s, where the study promises privacy.
/// </remarks>
public static class UpdateGate
{
    /// <summary>Judges an update.</summary>
    /// <param name="body">Difference to the model given, shape [P], and further parts of the same length.</param>
    /// <param name="parameters">P.</param>
    /// <param name="parts">Parts expected: 2 with control variates, else 1.</param>
    /// <param name="maxNorm">Largest norm of the first part; null: any finite one.</param>
    public static GateVerdict Judge(ReadOnlySpan<float> body, int parameters, int parts, double? maxNorm)
    {
        if (body.Length != parameters * parts) return new(RefusalReason.WrongShape, double.NaN);
        var squared = SumOfSquares(body[..parameters]);
        // The square of any float fits a double, so a sum that is not finite means a value that is not.
        if (!double.IsFinite(squared) || (parts > 1 && !double.IsFinite(SumOfSquares(body[parameters..])))) return new(RefusalReason.NotFinite, double.NaN);
        var norm = Math.Sqrt(squared);
        return norm > maxNorm ? new(RefusalReason.NormExceeded, norm) : new(null, norm);
    }

    internal static double SumOfSquares(ReadOnlySpan<float> values)
    {
        var sum = Vector<double>.Zero;
        var i = 0;
        for (; i <= values.Length - Vector<float>.Count; i += Vector<float>.Count)
        {
            Vector.Widen(new Vector<float>(values[i..]), out var low, out var high);
            sum += (low * low) + (high * high);
        }
        var rest = Vector.Sum(sum);
        for (; i < values.Length; i++) rest += (double)values[i] * values[i];
        return rest;
    }
}
