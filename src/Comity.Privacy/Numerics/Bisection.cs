namespace Comity.Privacy.Numerics;

/// <summary>Finds where a monotone condition starts to hold.</summary>
internal static class Bisection
{
    /// <summary>The smallest point found at which the condition holds: never on the wrong side, so a bound stays a bound.</summary>
    /// <param name="low">A point where it does not hold (or the start of the range).</param>
    /// <param name="high">A point where it holds.</param>
    /// <param name="holds">False below some point, true from there on.</param>
    /// <param name="relativeTolerance">Width at which to stop, relative to the point.</param>
    public static double UpperEnd(double low, double high, Func<double, bool> holds, double relativeTolerance = 1e-14)
    {
        for (var i = 0; i < 200 && high - low > relativeTolerance * high; i++)
        {
            var middle = low + (high - low) / 2;
            if (middle <= low || middle >= high) break;
            if (holds(middle)) high = middle;
            else low = middle;
        }
        return high;
    }
}
