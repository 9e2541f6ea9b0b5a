using System.Globalization;
using Comity.Federation.Results;
using Comity.Insight.Evidence;
using Comity.Insight.Report;

namespace Comity.Insight.Tests.Evidence;

public sealed class AnswerTests
{
    private static readonly CultureInfo English = CultureInfo.GetCultureInfo("en");

    [Theory]
    [InlineData("rocAuc", 0.05, 0.01, Verdict.Better)]
    [InlineData("rocAuc", 0.05, 0.2, Verdict.PerhapsBetter)]
    [InlineData("rocAuc", -0.05, 0.01, Verdict.Worse)]
    [InlineData("logLoss", -0.05, 0.01, Verdict.Better)]
    [InlineData("logLoss", 0.05, 0.2, Verdict.PerhapsWorse)]
    [InlineData("rocAuc", 0, 1, Verdict.Equal)]
    [InlineData("rocAuc", double.NaN, double.NaN, Verdict.Undefined)]
    [InlineData("rocAuc", 0.05, double.NaN, Verdict.PerhapsBetter)]
    public void A_difference_is_read_in_the_metrics_own_sense_and_no_surer_than_its_p(string metric, double difference, double p, Verdict verdict) =>
        Assert.Equal(verdict, MarketAnswer.VerdictOf(Benefit("us", difference, p) with { Metric = metric }));

    [Fact]
    public void Markets_answer_where_they_were_compared_as_a_whole_and_their_sites_otherwise()
    {
        var results = SampleStudy.FourHospitals().Build();

        var markets = MarketAnswer.Of(results);
        Assert.Equal(["us", "hu", "ch"], markets.Lines.Select(l => l.Market));
        Assert.False(markets.BySite);
        Assert.Equal(4, markets.Sites.Count);

        var sites = MarketAnswer.Of(results with { Benefit = [.. results.Benefit.Where(b => b.Site is not null)] });
        Assert.Equal(["cleveland", "long-beach", "hungary", "switzerland"], sites.Lines.Select(l => l.Site));
        Assert.True(sites.BySite);
    }

    [Theory]
    [InlineData(new[] { 0.05, 0.04, 0.03 }, new[] { 0.01, 0.01, 0.01 }, "One common model clearly beats what each market has on its own, in all 3 markets.")]
    [InlineData(new[] { 0.05, 0.04, -0.03 }, new[] { 0.01, 0.3, 0.3 }, "One common model beats what each market has on its own in 2 of 3 markets, clearly so in 1.")]
    [InlineData(new[] { 0.05, 0.04, -0.03 }, new[] { 0.01, 0.01, 0.01 }, "One common model clearly beats what each market has on its own in 2 of 3 markets.")]
    [InlineData(new[] { 0.05, -0.04, -0.03 }, new[] { 0.3, 0.3, 0.01 }, "One common model scores above what each market has on its own in 1 of 3 markets, but no gain is statistically clear.")]
    [InlineData(new[] { -0.05, -0.04, -0.03 }, new[] { 0.3, 0.3, 0.01 }, "One common model does not beat what any market has on its own: 0 of 3 markets gain.")]
    public void The_headline_claims_no_more_than_the_tests_bear(double[] differences, double[] p, string headline)
    {
        var results = SampleStudy.FourHospitals().Build();
        string[] markets = ["us", "hu", "ch"];
        // Without local models away from home there is nothing to say about abroad.
        results = results with
        {
            Benefit = [.. markets.Select((m, i) => Benefit(m, differences[i], p[i]))],
            Summary = [.. results.Summary.Where(s => !s.Model.StartsWith("local/", StringComparison.Ordinal) || s.Model == "local/" + s.Site)],
        };

        Assert.Equal(headline, Headline.Of(new ReportView(results, English)));
    }

    [Fact]
    public void Where_nothing_is_clear_at_home_but_much_abroad_the_headline_says_that()
    {
        var results = SampleStudy.FourHospitals().Build();
        string[] markets = ["us", "hu", "ch"];
        var view = new ReportView(results with { Benefit = [.. markets.Select(m => Benefit(m, 0.01, 0.6))] }, English);

        Assert.StartsWith("Away from home, one common model clearly beats", Headline.Of(view), StringComparison.Ordinal);
        Assert.Contains("At home it scores above each market’s own model in 3 of 3 markets; no gain there is statistically clear.", Headline.Details(view));

        // A clear loss at home is never hidden behind a gain abroad.
        var loss = new ReportView(results with { Benefit = [.. markets.Select(m => Benefit(m, -0.05, 0.001))] }, English);
        Assert.Contains("0 of 3", Headline.Of(loss), StringComparison.Ordinal);
        Assert.Contains(Headline.Details(loss), d => d.StartsWith("It is clearly worse in", StringComparison.Ordinal));
    }

    [Fact]
    public void At_home_and_abroad_compare_both_models_on_the_same_rows()
    {
        var results = SampleStudy.TwoClinics().Build();
        var found = HomeAndAbroad.Of(results);

        Assert.Equal(["local", "international", null], found.Home.Select(l => l.Site));
        Assert.Equal(Mean("local/local", "international"), found.Abroad[0].Own.Mean, 12);
        Assert.Equal(Mean("combined/fine-tuned", "international"), found.Abroad[0].Common.Mean, 12);
        Assert.Equal(Mean("local/local", "local"), found.Home[0].Own.Mean, 12);
        Assert.All(found.Home.Concat(found.Abroad), l => Assert.Equal(l.Own.Rows, l.Common.Rows));
        Assert.Equal(1360, found.Abroad[^1].Common.Rows);

        double Mean(string model, string site) => results.Summary.Single(s => s.Model == model && s.Site == site && s.Metric == "rocAuc").Mean;
    }

    [Fact]
    public void Thin_evidence_names_site_class_and_rows()
    {
        var thin = Assert.Single(ThinEvidence.Find(SampleStudy.FourHospitals().Build()));
        Assert.Equal(new ThinEvidence("switzerland", "absent", 2, 3), thin);

        var none = new SampleStudy("s").WithMarket("a", "US").WithSite("x", "a", 60, prevalence: 1).WithSite("y", "a", 600).WithFederations("f").Build();
        var found = ThinEvidence.Find(none);
        Assert.Contains(new ThinEvidence("x", "absent", 0, 0), found);
        Assert.Contains(new ThinEvidence("x", null, 20, 20), found);
        Assert.DoesNotContain(found, t => t.Site == "y");
    }

    [Theory]
    [InlineData("en", "no test row", "counts with noise tell of 0 test rows")]
    [InlineData("zh-Hans", "测试行中没有类别", "带噪声的计数")]
    public void Rows_that_noise_may_have_hidden_are_not_said_to_be_missing(string language, string exactly, string noised)
    {
        var exact = new SampleStudy("s").WithMarket("a", "US").WithSite("x", "a", 60, prevalence: 1).WithFederations("f").Build();
        var counted = exact with { Evaluation = [.. exact.Evaluation.Select(e => e with { Release = "noised" })] };
        string Said(StudyResults results)
        {
            var view = new ReportView(results, CultureInfo.GetCultureInfo(language));
            return string.Join('\n', view.Thin.Select(view.ThinText));
        }
        Assert.Contains(exactly, Said(exact), StringComparison.Ordinal);
        Assert.DoesNotContain(exactly, Said(counted), StringComparison.Ordinal);
        Assert.Contains(noised, Said(counted), StringComparison.Ordinal);
        Assert.All(ThinEvidence.Find(counted), t => Assert.True(t.IsNoised));
    }

    private static BenefitInfo Benefit(string market, double difference, double p) =>
        new(market, null, "local/*", "federated/fedavg", "rocAuc", difference, difference - 0.02, difference + 0.02, p, p, "delong", 0.03, 100);
}
