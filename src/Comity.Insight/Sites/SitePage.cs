using Comity.Insight.Report;

namespace Comity.Insight.Sites;

/// <summary>A site's own page: what left it, under which rule, at what cost. One file that needs nothing else.</summary>
public static class SitePage
{
    /// <summary>Renders the page: self-contained HTML that is also well-formed XML.</summary>
    public static Task<string> RenderAsync(SiteView view)
    {
        ArgumentNullException.ThrowIfNull(view);
        return StaticPage.RenderAsync<SiteDocument>(view);
    }

    internal static string Style() => ReportPage.Style();
}
