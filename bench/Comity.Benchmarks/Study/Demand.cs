using System.Globalization;
using System.Text;

namespace Comity.Benchmarks.Study;

/// <summary>One number to hold: what, the bound, what was measured.</summary>
/// <param name="What">What is measured, in words.</param>
/// <param name="Bound">The bound in words, such as <c>≥ 0.81</c>.</param>
/// <param name="Measured">The measured value.</param>
/// <param name="Holds">Whether it is within the bound.</param>
internal sealed record Demand(string What, string Bound, double Measured, bool Holds)
{
    public static Demand AtLeast(string what, double bound, double measured, string unit = "") =>
        new(what, $"≥ {Text(bound)}{unit}", measured, measured >= bound);

    public static Demand AtMost(string what, double bound, double measured, string unit = "") =>
        new(what, $"≤ {Text(bound)}{unit}", measured, measured <= bound);

    /// <summary>A number without a bound, to be read beside the others.</summary>
    public static Demand Shown(string what, double measured) => new(what, "–", measured, true);

    /// <summary>A markdown table of demands.</summary>
    public static string Table(IEnumerable<Demand> demands)
    {
        var text = new StringBuilder("| what | demand | measured | holds |\n|---|---|---:|---|\n");
        foreach (var demand in demands)
            text.AppendLine(CultureInfo.InvariantCulture, $"| {demand.What} | {demand.Bound} | {Text(demand.Measured)} | {(demand.Bound == "–" ? "–" : demand.Holds ? "yes" : "**no**")} |");
        return text.ToString();
    }

    private static string Text(double value) => value.ToString("0.####", CultureInfo.InvariantCulture);
}
