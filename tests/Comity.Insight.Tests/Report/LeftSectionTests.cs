using System.Globalization;
using System.Xml.Linq;
using Comity.Federation.Audit;
using Comity.Insight.Evidence;
using Comity.Insight.Report;
using Comity.Insight.Sites;

namespace Comity.Insight.Tests.Report;

/// <summary>What left each site, in the report and on the site's own page; that the numbers are the log's is shown on real runs, end to end.</summary>
public sealed class LeftSectionTests
{
    private static readonly CultureInfo English = CultureInfo.GetCultureInfo("en");
    private static readonly CultureInfo Chinese = CultureInfo.GetCultureInfo("zh-Hans");
    private static readonly DateTimeOffset Then = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public async Task Every_kind_stands_with_its_number_bytes_peer_rule_and_charge_and_sites_are_named_once()
    {
        var page = await RenderAsync(English, Log("berlin", Updates("berlin", 3, 0.1234), Statistics("berlin")), Log("lyon", Updates("lyon", 2, 0.2)));

        Assert.Equal(
        [
            "berlin|Model updates|coordinator|3|4,500|policy.yaml@ab|3, each at most ε = 0.124 (δ = 1E-5)", // rounded upwards
            "|Shared statistics|coordinator|1|70|policy.yaml@ab|–",
            "lyon|Model updates|coordinator|2|3,000|policy.yaml@ab|2, each at most ε = 0.2 (δ = 1E-5)",
        ], Rows(page));
        Assert.Contains("Not once left: Records and Predictions row by row.", page, StringComparison.Ordinal);
        Assert.Contains("All 2 logs were checked", page, StringComparison.Ordinal);
        Assert.DoesNotContain("This was a simulation", page, StringComparison.Ordinal);
        // Readers of tables by ear are told what each cell belongs to.
        var table = Section(page).Descendants().Single(e => e.Name.LocalName == "table");
        Assert.All(table.Descendants().Where(e => e.Name.LocalName == "th"), th => Assert.Contains((string?)th.Attribute("scope"), new[] { "col", "rowgroup" }));
        Assert.Equal(2, (int)table.Descendants().First(e => (string?)e.Attribute("scope") == "rowgroup").Attribute("rowspan")!);
        Assert.Contains("模型更新", await RenderAsync(Chinese, Log("berlin", Updates("berlin", 3, 0.1))), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_simulation_says_what_would_have_stayed_at_home_and_a_broken_log_is_no_evidence()
    {
        var records = new Departure("heart", "records", "coordinator", "simulation", 1, 4000, 0, 0, 0, Then, Then);
        var page = await RenderAsync(English, Log("berlin", records), Log("lyon", Statistics("lyon")) with { Holds = false });

        Assert.Contains("This was a simulation", page, StringComparison.Ordinal);
        Assert.DoesNotContain("Not once left", page, StringComparison.Ordinal);
        Assert.Contains("The audit log of lyon does not hold", page, StringComparison.Ordinal);
        Assert.DoesNotContain("logs were checked when this page was made and hold", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Many_sites_are_summed_and_an_unknown_kind_keeps_its_name()
    {
        var logs = Enumerable.Range(0, 1000).Select(i => Log($"site-{i}", Updates($"site-{i}", 2, i / 1e4), new Departure("heart", "<b>new</b>", "p", "", 1, 1, 0, 0, 0, Then, Then))).ToArray();
        var page = await ReportPage.RenderAsync(SampleStudy.ManySites(1000).Build(), English, logs);

        Assert.Equal(["1,000|Model updates|coordinator|2,000|3,000,000|policy.yaml@ab|2,000, each at most ε = 0.1 (δ = 1E-5)", "|<b>new</b>|p|1,000|1,000|–|–"], Rows(page));
        Assert.InRange(System.Text.Encoding.UTF8.GetByteCount(page), 10_000, 1_000_000);
    }

    [Theory]
    [InlineData("en")]
    [InlineData("zh-Hans")]
    public async Task A_sites_own_page_needs_nothing_but_itself_and_shows_log_and_ledger(string language)
    {
        const string Hostile = "<script>alert(1)</script>";
        var culture = CultureInfo.GetCultureInfo(language);
        var log = Log(Hostile, Updates("berlin", 3, 0.1), Statistics("berlin"));
        var page = await SitePage.RenderAsync(new SiteView(log, [new SiteCost("heart", Hostile, 4, 1.23401, 1e-5)], [], culture));
        if (Environment.GetEnvironmentVariable("COMITY_REPORTS") is { Length: > 0 } folder) File.WriteAllText(Path.Combine(folder, $"site.{language}.html"), page);

        var parsed = XDocument.Parse(page);
        Assert.Equal(language, (string?)parsed.Root!.Attribute("lang"));
        Assert.DoesNotContain(parsed.Descendants(), e => e.Name.LocalName is "script" or "link" or "iframe" or "img" or "object");
        Assert.DoesNotContain("url(", page, StringComparison.OrdinalIgnoreCase);
        Assert.Equal(2, Rows(page).Count);
        Assert.Contains("1.235", page, StringComparison.Ordinal); // never less than it was
        Assert.Contains("4,570", page, StringComparison.Ordinal);
        var ids = parsed.Descendants().Attributes("id").Select(a => a.Value).ToList();
        Assert.Equal(ids.Distinct(), ids);

        var broken = await SitePage.RenderAsync(new SiteView(log with { Left = [] }, [], ["audit.jsonl: line 7 was changed"], culture));
        Assert.Contains("audit.jsonl: line 7 was changed", broken, StringComparison.Ordinal);
        Assert.Contains(language == "en" ? "do not hold" : "不完好", broken, StringComparison.Ordinal);
        Assert.Contains(language == "en" ? "Nothing has left this site." : "没有任何内容离开本站点。", broken, StringComparison.Ordinal);
        Assert.DoesNotContain(language == "en" ? "do not hold" : "不完好", page, StringComparison.Ordinal);
    }

    private static Task<string> RenderAsync(CultureInfo culture, params SiteLog[] logs) => ReportPage.RenderAsync(SampleStudy.TwoClinics().Build(), culture, logs);

    private static SiteLog Log(string site, params Departure[] left) => new(site, 40, true, left);

    private static Departure Updates(string site, int times, double epsilon) =>
        new("heart of " + site, "update", "coordinator", "policy.yaml@ab", times, 1500L * times, times, epsilon, 1e-5, Then, Then);

    private static Departure Statistics(string site) => new("heart of " + site, "statistics", "coordinator", "policy.yaml@ab", 1, 70, 0, 0, 0, Then, Then);

    private static XElement Section(string page) => XDocument.Parse(page).Descendants().Single(e => e.Name.LocalName == "section" && (string?)e.Attribute("id") == "left");

    private static List<string> Rows(string page) => [.. Section(page).Descendants().First(e => e.Name.LocalName == "tbody").Elements().Select(row =>
        (row.Elements().Any(e => e.Name.LocalName == "th") ? "" : "|") + string.Join('|', row.Elements().Select(e => e.Value.Trim())))];
}
