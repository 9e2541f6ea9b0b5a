using Comity.Insight.Report;

namespace Comity.Insight.Loop;

/// <summary>One page on a turn of the loop, from release to the next release, drawn with the report's own charts.</summary>
public static class LoopPage
{
    /// <summary>Renders the page: self-contained HTML that is also well-formed XML.</summary>
    public static Task<string> RenderAsync(LoopView view)
    {
        ArgumentNullException.ThrowIfNull(view);
        return StaticPage.RenderAsync<LoopDocument>(view);
    }

    internal static string Style() => ReportPage.Style();
}
