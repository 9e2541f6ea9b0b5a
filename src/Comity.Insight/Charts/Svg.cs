using System.Globalization;

namespace Comity.Insight.Charts;

/// <summary>Writes numbers and estimates widths the way SVG needs them, whatever the reader's culture is.</summary>
internal static class Svg
{
    /// <summary>A coordinate with at most two decimals.</summary>
    public static string N(double value) => Math.Round(value, 2).ToString(CultureInfo.InvariantCulture);

    /// <summary>Width of a text in pixels: Chinese characters are square, Latin ones about half as wide.</summary>
    public static double WidthOf(string text, double size) => text.Sum(c => c >= 0x2E80 ? 1.0 : char.IsUpper(c) ? 0.72 : char.IsWhiteSpace(c) || c is '.' or ',' or 'i' or 'l' or '|' ? 0.32 : 0.61) * size;

    /// <summary>A text cut with an ellipsis so that it fits; the whole stands in the element's title.</summary>
    public static string Fit(string text, double width, double size)
    {
        if (WidthOf(text, size) <= width) return text;
        var end = text.Length;
        while (end > 1 && WidthOf(text[..end], size) > width - size) end--;
        if (char.IsHighSurrogate(text[end - 1])) end--;
        return text[..end] + "…";
    }

    /// <summary>A path through points, straight from one to the next.</summary>
    public static string Path(IEnumerable<(double X, double Y)> points) =>
        string.Join(' ', points.Select((p, i) => $"{(i == 0 ? 'M' : 'L')}{N(p.X)} {N(p.Y)}"));
}
