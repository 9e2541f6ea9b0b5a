using System.Globalization;
using System.Xml.Linq;
using Comity.Federation.Results;
using Comity.Insight.Report;

namespace Comity.Insight.Tests.Report;

public sealed class ReportPageTests
{
    private static readonly CultureInfo English = CultureInfo.GetCultureInfo("en");
    private static readonly CultureInfo Chinese = CultureInfo.GetCultureInfo("zh-Hans");

    public static TheoryData<string, string> Studies => new()
    {
        { "four-hospitals", "en" }, { "four-hospitals", "zh-Hans" }, { "two-clinics", "en" }, { "two-clinics", "zh-Hans" }, { "many-sites", "en" }, { "many-sites", "zh-Hans" },
    };

    [Theory]
    [MemberData(nameof(Studies))]
    public async Task The_page_needs_nothing_but_itself_and_is_well_formed(string study, string language)
    {
        var html = await ReportPage.RenderAsync(Results(study), CultureInfo.GetCultureInfo(language));
        if (Environment.GetEnvironmentVariable("COMITY_REPORTS") is { Length: > 0 } folder) File.WriteAllText(Path.Combine(folder, $"{study}.{language}.html"), html);

        var page = XDocument.Parse(html);
        Assert.Equal(language, (string?)page.Root!.Attribute("lang"));
        Assert.DoesNotContain(page.Descendants(), e => e.Name.LocalName is "script" or "link" or "iframe" or "img" or "object");
        Assert.DoesNotContain(page.Descendants().Attributes(), a => a.Name.LocalName is "src" or "srcset" or "action" or "data" || a.Name.LocalName.StartsWith("on", StringComparison.Ordinal));
        Assert.All(page.Descendants().Attributes().Where(a => a.Name.LocalName == "href"), a => Assert.StartsWith("#", a.Value, StringComparison.Ordinal));
        Assert.DoesNotContain("url(", html, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("@import", html, StringComparison.OrdinalIgnoreCase);
    }

    [Theory]
    [MemberData(nameof(Studies))]
    public async Task Every_chart_has_words_for_those_who_cannot_see_it(string study, string language)
    {
        var page = XDocument.Parse(await ReportPage.RenderAsync(Results(study), CultureInfo.GetCultureInfo(language)));

        var charts = page.Descendants().Where(e => e.Name.LocalName == "svg" && (string?)e.Attribute("aria-hidden") != "true").ToList();
        Assert.True(charts.Count >= 5);
        var ids = page.Descendants().Attributes("id").Select(a => a.Value).ToList();
        Assert.Equal(ids.Distinct(), ids);
        foreach (var chart in charts)
        {
            Assert.Equal("img", (string?)chart.Attribute("role"));
            var named = ((string)chart.Attribute("aria-labelledby")!).Split(' ');
            Assert.All(named, id => Assert.NotEqual("", chart.Elements().Single(e => (string?)e.Attribute("id") == id).Value.Trim()));
        }
        Assert.All(page.Descendants().Where(e => e.Name.LocalName == "a"), a => Assert.Contains(((string)a.Attribute("href")!)[1..], ids));
    }

    [Theory]
    [MemberData(nameof(Studies))]
    public async Task No_number_is_drawn_as_not_a_number(string study, string language)
    {
        var page = XDocument.Parse(await ReportPage.RenderAsync(Results(study), CultureInfo.GetCultureInfo(language)));

        Assert.All(page.Descendants().Where(e => e.Name.LocalName is "rect" or "line" or "circle" or "path" or "text").Attributes(), a =>
        {
            Assert.DoesNotContain("NaN", a.Value, StringComparison.Ordinal);
            Assert.DoesNotContain("∞", a.Value, StringComparison.Ordinal);
            if (a.Name.LocalName is "width" or "height" or "r") Assert.True(double.Parse(a.Value, CultureInfo.InvariantCulture) >= 0, $"{a.Parent!.Name.LocalName} {a}");
        });
        Assert.All(page.Descendants().Where(e => e.Name.LocalName is "text" or "td" or "p"), e => Assert.DoesNotContain("NaN", e.Value, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("en", "long-beach never came.", "3 sites in 3 markets")]
    [InlineData("zh-Hans", "long-beach 始终没有到来。", "3")]
    public async Task A_site_that_never_came_is_named_and_not_counted_among_those_that_took_part(string language, string named, string counted)
    {
        var all = Results("four-hospitals");
        var nothing = new Federation.Sites.EvaluationResult { Rows = 0, Metrics = new Dictionary<string, Federation.Sites.Estimate>(), Warnings = ["site-absent"] };
        var results = all with
        {
            Sites = [.. all.Sites.Select(s => s.Id == "long-beach" ? new SiteInfo(s.Id, s.Market, 0, 0, 0, 0, [], []) : s)],
            Models = [.. all.Models.Where(m => !m.Id.EndsWith("long-beach", StringComparison.Ordinal))],
            Evaluation = [.. all.Evaluation.Where(e => !e.Model.EndsWith("long-beach", StringComparison.Ordinal)).Select(e => e.Site == "long-beach" ? e with { Result = nothing } : e)],
            Benefit = [.. all.Benefit.Where(b => b.Site != "long-beach")],
            Warnings = [.. all.Warnings, new("site-absent", ["long-beach"])],
        };
        var page = XDocument.Parse(await ReportPage.RenderAsync(results, CultureInfo.GetCultureInfo(language)));

        var summary = page.Descendants().First(e => e.Name.LocalName == "h1").Parent!.Value;
        Assert.Contains(named, page.Root!.Value, StringComparison.Ordinal);
        Assert.Contains(page.Descendants().Where(e => e.Name.LocalName == "dd"), e => e.Value.Contains(counted, StringComparison.Ordinal));
        Assert.DoesNotContain("thin in long-beach", summary, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_hostile_name_is_shown_and_does_nothing()
    {
        const string Hostile = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>";
        var html = await ReportPage.RenderAsync(new SampleStudy(Hostile)
            .WithMarket(Hostile, "US", Hostile).WithMarket("b", "HU")
            .WithSite(Hostile, Hostile, 200).WithSite("</style></svg>b", "b", 10, prevalence: 0.5)
            .WithFederations(Hostile).WithWarning(Hostile, Hostile).Build(), English);

        var page = XDocument.Parse(html);
        Assert.DoesNotContain(page.Descendants(), e => e.Name.LocalName is "script" or "img");
        Assert.DoesNotContain(page.Descendants().Attributes(), a => a.Name.LocalName.StartsWith("on", StringComparison.Ordinal));
        Assert.Contains(page.Descendants(), e => !e.HasElements && e.Value == Hostile);
    }

    [Fact]
    public async Task A_thousand_sites_are_summarised_in_a_small_page()
    {
        var html = await ReportPage.RenderAsync(SampleStudy.ManySites(1000).Build(), English);

        Assert.InRange(System.Text.Encoding.UTF8.GetByteCount(html), 10_000, 1_000_000);
    }

    [Fact]
    public async Task Numbers_take_the_form_of_the_culture_on_purpose()
    {
        var results = SampleStudy.TwoClinics().Build();

        Assert.Contains("4,000", await ReportPage.RenderAsync(results, English), StringComparison.Ordinal);
        var german = await ReportPage.RenderAsync(results, CultureInfo.GetCultureInfo("de-DE"));
        Assert.Contains("4.000", german, StringComparison.Ordinal);
        Assert.DoesNotMatch(@"(?:x|y|width|cx)=""\d+,\d", german);
    }

    [Fact]
    public async Task A_study_that_found_nothing_still_has_a_page()
    {
        var full = SampleStudy.TwoClinics().Build();
        var bare = full with
        {
            Models = [],
            Evaluation = [],
            Summary = [],
            Benefit = [],
            History = [],
            Contributors = [],
            Recommended = null,
            Sites = [.. full.Sites.Select(s => s with { Quality = [], ClassCounts = [] })],
        };

        var html = await ReportPage.RenderAsync(bare, English);

        XDocument.Parse(html);
        Assert.Contains("No common model was trained", html, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("regression", "rmse")]
    [InlineData("multiclass", "accuracy")]
    public async Task Other_tasks_have_a_page_too(string task, string primary)
    {
        var binary = SampleStudy.FourHospitals().Build();
        var results = binary with
        {
            Task = task,
            Classes = task == "regression" ? [] : ["a", "b", "c"],
            PrimaryMetric = primary,
            Summary = [.. binary.Summary.Select(s => s.Metric == "rocAuc" ? s with { Metric = "rmse" } : s)],
            Benefit = [.. binary.Benefit.Select(b => b.Metric == "rocAuc" ? b with { Metric = "rmse" } : b)],
            Evaluation = [.. binary.Evaluation.Select(e => e with { Result = e.Result with { Roc = [], Calibration = [], ClassCounts = task == "regression" ? [] : [20, 30, 40], Metrics = e.Result.Metrics.ToDictionary(m => m.Key == "rocAuc" ? "rmse" : m.Key, m => m.Value) } })],
            Sites = [.. binary.Sites.Select(s => s with { ClassCounts = task == "regression" ? [] : [20, 30, 40] })],
        };

        var html = await ReportPage.RenderAsync(results, English);

        XDocument.Parse(html);
        Assert.Contains("These curves exist for yes-or-no questions only.", html, StringComparison.Ordinal);
        // What was a gain in ROC AUC is a loss in an error.
        if (task == "regression") Assert.Contains("0 of 3", html, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Fairness_is_measured_between_groups_and_what_rests_on_few_rows_is_not_shown()
    {
        var html = await ReportPage.RenderAsync(SampleStudy.TwoClinics().Build(), English);

        Assert.Matches(@"demographic parity difference [^<]*</td><td class=""n"">0\.125", html);
        Assert.Matches(@"equal opportunity difference [^<]*</td><td class=""n"">too few rows</td><td class=""n"">[\d,]+</td><td class=""n"">7</td>", html);
        Assert.DoesNotContain("0.375", html, StringComparison.Ordinal);
        Assert.Contains("机会均等差", await ReportPage.RenderAsync(SampleStudy.TwoClinics().Build(), Chinese), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Drift_that_is_due_to_missing_values_is_said_to_be()
    {
        var full = SampleStudy.TwoClinics().Build();
        var site = full.Sites[0];
        var results = full with { Sites = [site with { Quality = [site.Quality[0] with { Drift = 7.9, DriftMissingShare = 0.9 }, site.Quality[1] with { Drift = 3.1, DriftMissingShare = 0.1 }] }, .. full.Sites.Skip(1)] };

        var html = await ReportPage.RenderAsync(results, English);

        XDocument.Parse(html);
        Assert.Contains($"not because those measured differ: {site.Id} {site.Quality[0].Column} 7.90.", html, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_group_of_few_rows_is_named_and_not_judged()
    {
        var full = SampleStudy.TwoClinics().Build();
        var results = full with { Evaluation = [.. full.Evaluation.Select(e => e with { Result = e.Result with { Groups = [.. e.Result.Groups.Select(g => g.Group == "0" ? g with { Rows = 9 } : g)] } })] };

        var html = await ReportPage.RenderAsync(results, English);

        XDocument.Parse(html);
        Assert.Contains("Too small to be judged: 0 (n = 9).", html, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nothing_is_claimed_about_privacy_that_was_not_enforced()
    {
        Assert.Contains("Nothing was protected in this run", await ReportPage.RenderAsync(SampleStudy.TwoClinics().Build(), English), StringComparison.Ordinal);
        Assert.Contains("没有提供任何隐私保护", await ReportPage.RenderAsync(SampleStudy.TwoClinics().Build(), Chinese), StringComparison.Ordinal);
    }

    private static readonly Lazy<StudyResults> FourHospitals = new(() => SampleStudy.FourHospitals()
        .WithWarning("arm-not-run", "pooled", "nobody-holds-all-rows").WithWarning("update-rejected", "federated/fedadam", "long-beach", "not-finite", "8")
        .WithWarning("epochs-differ", "federated/fedavg", "50", "100").WithWarning("few-negatives", "switzerland", "3").WithWarning("no-spread", "switzerland", "recall").Build());
    private static readonly Lazy<StudyResults> TwoClinics = new(() => SampleStudy.TwoClinics().Build());
    private static readonly Lazy<StudyResults> ManySites = new(() => SampleStudy.ManySites(1000).Build());

    private static StudyResults Results(string study) => study switch { "four-hospitals" => FourHospitals.Value, "two-clinics" => TwoClinics.Value, _ => ManySites.Value };
}
