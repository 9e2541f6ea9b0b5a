using System.Text.Encodings.Web;
using System.Text.Unicode;
using Comity.Insight.Report;
using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Web;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace Comity.Insight.Loop;

/// <summary>One page on a turn of the loop, from release to the next release, drawn with the report's own charts.</summary>
public static class LoopPage
{
    /// <summary>Renders the page: self-contained HTML that is also well-formed XML.</summary>
    public static async Task<string> RenderAsync(LoopView view)
    {
        ArgumentNullException.ThrowIfNull(view);
        var services = new ServiceCollection();
        services.AddSingleton(HtmlEncoder.Create(UnicodeRanges.All));
        await using var provider = services.BuildServiceProvider();
        await using var renderer = new HtmlRenderer(provider, NullLoggerFactory.Instance);
        var body = await renderer.Dispatcher.InvokeAsync(async () =>
            (await renderer.RenderComponentAsync<LoopDocument>(ParameterView.FromDictionary(new Dictionary<string, object?> { [nameof(LoopDocument.View)] = view }))).ToHtmlString());
        return "<!DOCTYPE html>\n" + body + "\n";
    }

    internal static string Style() => ReportPage.Style();
}
