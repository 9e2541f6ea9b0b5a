namespace Comity.Insight.Charts;

/// <summary>Maps values to pixels.</summary>
/// <param name="Low">Value at <paramref name="From"/>.</param>
/// <param name="High">Value at <paramref name="To"/>.</param>
/// <param name="From">First pixel.</param>
/// <param name="To">Last pixel.</param>
public sealed record LinearScale(double Low, double High, double From, double To)
{
    /// <summary>The pixel of a value; values outside stay at the edge.</summary>
    public double At(double value) => From + ((Math.Clamp(value, Low, High) - Low) / (High - Low) * (To - From));

    /// <summary>Round values between the ends, at most about <paramref name="count"/>.</summary>
    /// <remarks>Steps of 1, 2 or 5 times a power of ten (Heckbert, "Nice numbers for graph labels", Graphics Gems 1990).</remarks>
    public IReadOnlyList<double> Ticks(int count)
    {
        var step = Step(High - Low, count);
        var ticks = new List<double>();
        for (var i = Math.Ceiling((Low / step) - 1e-9); i * step <= High + (step * 1e-9); i++) ticks.Add(Math.Round(i * step, 12) + 0.0); // -0 becomes 0;
        return ticks;
    }

    /// <summary>A scale whose ends are round and hold all values.</summary>
    public static LinearScale Around(IEnumerable<double> values, double from, double to, int ticks = 5)
    {
        var finite = values.Where(double.IsFinite).DefaultIfEmpty(0).ToList();
        var (low, high) = (finite.Min(), finite.Max());
        if (high - low < 1e-9) (low, high) = (low - 0.05, high + 0.05);
        var step = Step(high - low, ticks);
        return new(Math.Floor(low / step) * step, Math.Ceiling(high / step) * step, from, to);
    }

    /// <summary>Decimals that tell one tick from the next.</summary>
    public int Decimals(int count) => Math.Max(0, -(int)Math.Floor(Math.Log10(Step(High - Low, count)) + 1e-9));

    private static double Step(double range, int count)
    {
        var rough = range / Math.Max(1, count);
        var power = Math.Pow(10, Math.Floor(Math.Log10(rough)));
        return (rough / power) switch { <= 1.5 => 1, <= 3.5 => 2, <= 7.5 => 5, _ => 10 } * power;
    }
}
