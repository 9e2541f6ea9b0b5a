using System.Globalization;
using System.Resources;

namespace Comity.Insight.Report;

/// <summary>The report's words in one language.</summary>
public sealed class ReportTexts
{
    private static readonly ResourceManager Resources = new("Comity.Insight.Resources.Report", typeof(ReportTexts).Assembly);

    /// <param name="culture">Language of the words and form of the numbers in them.</param>
    public ReportTexts(CultureInfo culture)
    {
        ArgumentNullException.ThrowIfNull(culture);
        Culture = culture;
    }

    /// <summary>The language.</summary>
    public CultureInfo Culture { get; }

    /// <summary>A text with its arguments filled in.</summary>
    /// <exception cref="KeyNotFoundException">There is no such text.</exception>
    public string this[string key, params object?[] arguments]
    {
        get
        {
            var text = Find(key) ?? throw new KeyNotFoundException($"The report has no text for '{key}'.");
            return arguments.Length == 0 ? text : string.Format(Culture, text, arguments);
        }
    }

    /// <summary>A text that may not exist, such as that of a warning from a newer version.</summary>
    public string? Find(string key) => Resources.GetString(key, Culture);

    /// <summary>A metric's name; one that is not known here keeps its own.</summary>
    public string Metric(string metric) => Find("metric." + metric) ?? metric;

    /// <summary>A list in words.</summary>
    public string List(IReadOnlyList<string> items)
    {
        ArgumentNullException.ThrowIfNull(items);
        return items.Count switch
        {
            0 => "",
            1 => items[0],
            _ => this["list.last", string.Join(this["list.separator"], items.Take(items.Count - 1)), items[^1]],
        };
    }
}
