using System.Globalization;
using Comity.Insight.Evidence;

namespace Comity.Insight.Report;

/// <summary>Writes numbers for people, in the form that their culture expects.</summary>
/// <param name="texts">Words around them.</param>
public sealed class Formats(ReportTexts texts)
{
    private readonly CultureInfo _culture = texts.Culture;

    /// <summary>What stands where a number is undefined.</summary>
    public const string Missing = "–";

    /// <summary>A score or an error with three digits that count.</summary>
    public string Value(double value) => !double.IsFinite(value) ? Missing : Minus(value.ToString(
        Math.Abs(value) switch { >= 100 => "N0", >= 10 => "N1", >= 2 => "N2", _ => "N3" }, _culture));

    /// <summary>A difference, always with its sign.</summary>
    public string Difference(double value) => !double.IsFinite(value) ? Missing : value > 0 ? "+" + Value(value) : Value(value);

    /// <summary>A value on an axis with so many decimals.</summary>
    public string Tick(double value, int decimals) => Minus(value.ToString("N" + decimals.ToString(CultureInfo.InvariantCulture), _culture));

    /// <summary>An axis value with its sign.</summary>
    public string SignedTick(double value, int decimals) => (value > 0 ? "+" : "") + Tick(value, decimals);

    /// <summary>An interval, short enough for a cell; empty where there is none.</summary>
    public string ShortInterval(double low, double high) =>
        !double.IsFinite(low) || !double.IsFinite(high) ? "" : Math.Max(Math.Abs(low), Math.Abs(high)) < 2
            ? Minus($"{low.ToString("N2", _culture)}–{high.ToString("N2", _culture)}")
            : $"{Value(low)}–{Value(high)}";

    /// <summary>A difference's interval in words.</summary>
    public string DifferenceInterval(double low, double high) =>
        double.IsFinite(low) && double.IsFinite(high) ? texts["format.range", Difference(low), Difference(high)] : texts["format.no-interval"];

    /// <summary>A score with its interval.</summary>
    public string WithInterval(Score score)
    {
        ArgumentNullException.ThrowIfNull(score);
        return WithInterval(score.Mean, score.Low, score.High);
    }

    /// <summary>A score with its interval.</summary>
    public string WithInterval(double value, double low, double high) =>
        ShortInterval(low, high) is { Length: > 0 } interval ? $"{Value(value)} ({interval})" : Value(value);

    /// <summary>A p value.</summary>
    public string P(double p) => !double.IsFinite(p) ? Missing : p < 0.001 ? "< " + 0.001.ToString("N3", _culture) : p.ToString(p < 0.1 ? "N3" : "N2", _culture);

    /// <summary>A count.</summary>
    public string Count(long count) => count.ToString("N0", _culture);

    /// <summary>A share of a whole.</summary>
    public string Share(double share) => !double.IsFinite(share) ? Missing : share is > 0 and < 0.01 ? "< " + 0.01.ToString("P0", _culture) : share.ToString("P0", _culture);

    /// <summary>Bytes in decimal units.</summary>
    public string Bytes(long bytes)
    {
        string[] units = ["B", "kB", "MB", "GB", "TB", "PB"];
        double value = bytes;
        var unit = 0;
        for (; value >= 999.5 && unit < units.Length - 1; unit++) value /= 1000;
        return value.ToString(unit == 0 || value >= 99.5 ? "N0" : "N1", _culture) + " " + units[unit];
    }

    /// <summary>Seconds.</summary>
    public string Seconds(double seconds) => texts["format.seconds", seconds.ToString(seconds < 10 ? "N1" : "N0", _culture)];

    private static string Minus(string number) => number.Replace('-', '−');
}
