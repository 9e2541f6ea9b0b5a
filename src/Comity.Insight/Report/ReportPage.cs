using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Unicode;
using Comity.Federation.Results;
using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Web;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace Comity.Insight.Report;

/// <summary><c>report.html</c>: one page that needs nothing else, made from a study's results.</summary>
public static class ReportPage
{
    /// <summary>Renders the page.</summary>
    /// <param name="results">A study's results.</param>
    /// <param name="culture">Language of its words and form of its numbers.</param>
    /// <returns>HTML that is also well-formed XML, so that any tool can read it.</returns>
    public static async Task<string> RenderAsync(StudyResults results, CultureInfo culture)
    {
        ArgumentNullException.ThrowIfNull(results);
        ArgumentNullException.ThrowIfNull(culture);
        var services = new ServiceCollection();
        // Names in every script stay readable in the source; <, >, &, and quotes are still encoded.
        services.AddSingleton(HtmlEncoder.Create(UnicodeRanges.All));
        await using var provider = services.BuildServiceProvider();
        await using var renderer = new HtmlRenderer(provider, NullLoggerFactory.Instance);
        var view = new ReportView(results, culture);
        var body = await renderer.Dispatcher.InvokeAsync(async () =>
        {
            var parameters = ParameterView.FromDictionary(new Dictionary<string, object?> { [nameof(Document.View)] = view });
            return (await renderer.RenderComponentAsync<Document>(parameters)).ToHtmlString();
        });
        return "<!DOCTYPE html>\n" + body + "\n";
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
