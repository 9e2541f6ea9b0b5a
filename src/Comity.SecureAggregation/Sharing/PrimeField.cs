namespace Comity.SecureAggregation.Sharing;

/// <summary>Arithmetic modulo p = 2³¹ + 11, the smallest prime that holds 31 bits.</summary>
/// <remarks>The field of Google's federated-compute, so that its vectors apply.</remarks>
internal static class PrimeField
{
    public const uint Prime = 2147483659;

    public static uint Add(uint a, uint b) => (uint)(((ulong)a + b) % Prime);

    public static uint Subtract(uint a, uint b) => (uint)(((ulong)a + Prime - b) % Prime);

    public static uint Multiply(uint a, uint b) => (uint)((ulong)a * b % Prime);

    /// <summary>a⁻¹ = a^(p−2), by Fermat; a ≠ 0.</summary>
    public static uint Invert(uint a)
    {
        if (a == 0) throw new DivideByZeroException("Zero has no inverse.");
        var (result, power) = (1u, a);
        for (var exponent = Prime - 2; exponent > 0; exponent >>= 1)
        {
            if ((exponent & 1) == 1) result = Multiply(result, power);
            power = Multiply(power, power);
        }
        return result;
    }
}
