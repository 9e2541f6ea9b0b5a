using System.Text.Encodings.Web;
using System.Text.Unicode;
using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Web;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace Comity.Insight.Report;

/// <summary>Turns a document of this room into one file of HTML.</summary>
internal static class StaticPage
{
    /// <summary>Renders a document whose parameter <c>View</c> holds all that it shows.</summary>
    /// <returns>HTML that is also well-formed XML, so that any tool can read it.</returns>
    public static async Task<string> RenderAsync<TDocument>(object view) where TDocument : IComponent
    {
        var services = new ServiceCollection();
        // Names in every script stay readable in the source; <, >, &, and quotes are still encoded.
        services.AddSingleton(HtmlEncoder.Create(UnicodeRanges.All));
        await using var provider = services.BuildServiceProvider();
        await using var renderer = new HtmlRenderer(provider, NullLoggerFactory.Instance);
        var parameters = ParameterView.FromDictionary(new Dictionary<string, object?> { ["View"] = view });
        var body = await renderer.Dispatcher.InvokeAsync(async () => (await renderer.RenderComponentAsync<TDocument>(parameters)).ToHtmlString());
        return "<!DOCTYPE html>\n" + body + "\n";
    }
}
