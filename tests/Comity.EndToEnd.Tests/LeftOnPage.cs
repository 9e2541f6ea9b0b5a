using System.Globalization;
using System.Text.Json.Nodes;
using System.Xml.Linq;

namespace Comity.EndToEnd.Tests;

/// <summary>What a page says left a site, and what the site's audit log says, read with nothing but JSON and XML.</summary>
/// <param name="Of">Site or study.</param>
/// <param name="Times">Different things.</param>
/// <param name="Bytes">Their bytes.</param>
/// <param name="Rule">Policy rule, as the page names it.</param>
/// <param name="Charged">How many were charged.</param>
internal sealed record LeftOnPage(string Of, string Kind, long Times, long Bytes, string Rule, int Charged)
{
    private static readonly Dictionary<string, string> Words = new(StringComparer.Ordinal)
    {
        ["statistics"] = "Shared statistics", ["update"] = "Model updates", ["evaluation"] = "Metrics", ["comparison"] = "Comparisons of models", ["predictions"] = "Predictions row by row", ["records"] = "Records",
        ["model"] = "Models that the site trained alone", ["training"] = "Notes on training at home, without the model", ["join"] = "Whether the site takes part, and its rows", ["start"] = "Starting weights drawn from the study’s seed",
        ["masked-numbers"] = "Numbers under masks", ["mask"] = "Keys and shares of masks", ["counts"] = "Counts behind metrics, with noise", ["refusal"] = "Refusals, with their reason",
    };

    /// <summary>Rows of the page's table of what left.</summary>
    public static List<LeftOnPage> Read(string page)
    {
        var section = Section(page);
        var (rows, of) = (new List<LeftOnPage>(), "");
        foreach (var row in section.Descendants().First(e => e.Name.LocalName == "tbody").Elements())
        {
            of = row.Elements().FirstOrDefault(e => e.Name.LocalName == "th")?.Value ?? of;
            var cells = row.Elements().Where(e => e.Name.LocalName == "td").Select(e => e.Value.Trim()).ToList();
            rows.Add(new(of, cells[0], Number(cells[2]), Number(cells[3]), cells[4], cells[5] == "–" ? 0 : (int)Number(cells[5].Split(',')[0])));
        }
        return rows;
    }

    /// <summary>The section about what left.</summary>
    public static XElement Section(string page) => XDocument.Parse(page).Descendants().Single(e => e.Name.LocalName == "section" && (string?)e.Attribute("id") == "left");

    /// <summary>The same from a log: what is sent again is the same thing.</summary>
    public static List<LeftOnPage> OfLog(string path, Func<JsonNode, string> of)
    {
        var things = File.ReadLines(path).Select(l => JsonNode.Parse(l)!).Where(e => (string?)e["direction"] == "out")
            .DistinctBy(e => (of(e), (string?)e["kind"], (string?)e["peer"], (string?)e["rule"], (string?)e["what"], (int)e["repeat"]!, (int)e["round"]!, (string?)e["sha256"]));
        return [.. things.GroupBy(e => (Of: of(e), Kind: (string)e["kind"]!, Peer: (string?)e["peer"], Rule: (string)e["rule"]!)).Select(g =>
            new LeftOnPage(g.Key.Of, Words[g.Key.Kind], g.Count(), g.Sum(e => (long)e["bytes"]!), g.Key.Rule.Length == 0 ? "–" : g.Key.Rule, g.Count(e => e["charge"] is not null)))];
    }

    private static long Number(string text) => long.Parse(text, NumberStyles.AllowThousands, CultureInfo.InvariantCulture);
}
