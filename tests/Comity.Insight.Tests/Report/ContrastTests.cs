using System.Globalization;
using System.Text.RegularExpressions;
using Comity.Insight.Report;

namespace Comity.Insight.Tests.Report;

/// <summary>Words must be readable in both modes: WCAG 2.1 asks for 4.5 to 1.</summary>
public sealed class ContrastTests
{
    public static TheoryData<int> Modes => [0, 1, 2];

    [Theory]
    [MemberData(nameof(Modes))]
    public void Text_stands_out_from_its_ground_in_light_dark_and_print(int mode)
    {
        var colours = Palette(mode);
        foreach (var text in (string[])["ink", "soft", "accent", "c0", "c1", "c2", "c3", "c4"])
            Assert.True(Contrast(colours[text], colours["paper"]) >= 4.5, $"--{text} on --paper: {Contrast(colours[text], colours["paper"]):F2}");
        for (var i = 0; i < 9; i++)
        {
            foreach (var ramp in (string[])["q", "w"])
            {
                var text = colours[i >= (ramp == "q" ? 5 : 6) ? "light-text" : "dark-text"];
                Assert.True(Contrast(text, colours[ramp + i]) >= 4.5, $"text on --{ramp}{i}: {Contrast(text, colours[ramp + i]):F2}");
            }
        }
    }

    private static Dictionary<string, string> Palette(int mode)
    {
        var blocks = Regex.Matches(ReportPage.Style(), @":root\s*\{([^}]*)\}").Select(m => m.Groups[1].Value).ToList();
        Assert.Equal(3, blocks.Count);
        return Regex.Matches(blocks[mode], @"--([\w-]+):\s*(#[0-9a-f]{6})").ToDictionary(m => m.Groups[1].Value, m => m.Groups[2].Value);
    }

    private static double Contrast(string one, string other)
    {
        var (a, b) = (Luminance(one), Luminance(other));
        return (Math.Max(a, b) + 0.05) / (Math.Min(a, b) + 0.05);
    }

    private static double Luminance(string colour)
    {
        var parts = Enumerable.Range(0, 3).Select(i => int.Parse(colour.AsSpan(1 + (2 * i), 2), NumberStyles.HexNumber, CultureInfo.InvariantCulture) / 255.0)
            .Select(c => c <= 0.03928 ? c / 12.92 : Math.Pow((c + 0.055) / 1.055, 2.4)).ToArray();
        return (0.2126 * parts[0]) + (0.7152 * parts[1]) + (0.0722 * parts[2]);
    }
}
