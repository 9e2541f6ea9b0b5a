using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Rendering;

namespace Comity.Insight.Charts;

/// <summary>An SVG <c>text</c> element; written in C#, because Razor takes a tag of that name for its own.</summary>
public sealed class Words : ComponentBase
{
    /// <summary>Left, middle or right edge, as the anchor says.</summary>
    [Parameter, EditorRequired] public double X { get; set; }

    /// <summary>Base line.</summary>
    [Parameter, EditorRequired] public double Y { get; set; }

    /// <summary>What is written; encoded.</summary>
    [Parameter, EditorRequired] public string Text { get; set; } = "";

    /// <summary>Style classes.</summary>
    [Parameter] public string Class { get; set; } = "c-label";

    /// <summary><c>start</c>, <c>middle</c> or <c>end</c>.</summary>
    [Parameter] public string Anchor { get; set; } = "start";

    /// <summary>Widest it may become, in pixels; longer text is cut with an ellipsis and stands whole in the element's title.</summary>
    [Parameter] public double MaxWidth { get; set; } = double.PositiveInfinity;

    /// <summary>Rotation in degrees around its point.</summary>
    [Parameter] public double Rotate { get; set; }

    /// <summary>Height of the letters in pixels, to estimate the width.</summary>
    [Parameter] public double Size { get; set; } = 12;

    /// <inheritdoc/>
    protected override void BuildRenderTree(RenderTreeBuilder builder)
    {
        var shown = Svg.Fit(Text, MaxWidth, Size);
        builder.OpenElement(0, "text");
        builder.AddAttribute(1, "x", Svg.N(X));
        builder.AddAttribute(2, "y", Svg.N(Y));
        builder.AddAttribute(3, "class", Class);
        if (Anchor != "start") builder.AddAttribute(4, "text-anchor", Anchor);
        if (Rotate != 0) builder.AddAttribute(5, "transform", $"rotate({Svg.N(Rotate)} {Svg.N(X)} {Svg.N(Y)})");
        if (shown != Text)
        {
            builder.OpenElement(6, "title");
            builder.AddContent(7, Text);
            builder.CloseElement();
        }
        builder.AddContent(8, shown);
        builder.CloseElement();
    }
}
