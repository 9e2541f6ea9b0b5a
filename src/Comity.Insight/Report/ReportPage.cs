using System.Globalization;
using Comity.Federation.Results;
using Comity.Insight.Evidence;

namespace Comity.Insight.Report;

/// <summary><c>report.html</c>: one page that needs nothing else, made from a study's results.</summary>
public static class ReportPage
{
    /// <summary>Renders the page.</summary>
    /// <param name="results">A study's results.</param>
    /// <param name="culture">Language of its words and form of its numbers.</param>
    /// <param name="logs">What the sites' audit logs say left them; null or none: they are not here.</param>
    /// <returns>HTML that is also well-formed XML, so that any tool can read it.</returns>
    public static Task<string> RenderAsync(StudyResults results, CultureInfo culture, IReadOnlyList<SiteLog>? logs = null)
    {
        ArgumentNullException.ThrowIfNull(results);
        ArgumentNullException.ThrowIfNull(culture);
        return StaticPage.RenderAsync<Document>(new ReportView(results, culture, logs));
    }

    /// <summary>Style of the page, from the library's resources.</summary>
    internal static string Style()
    {
        using var stream = typeof(ReportPage).Assembly.GetManifestResourceStream("report.css")
            ?? throw new InvalidOperationException("The report's style is not embedded in this build.");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
