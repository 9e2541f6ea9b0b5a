using System.Globalization;
using Comity.Insight.Cards;

namespace Comity.Insight.Tests;

public sealed class ModelCardTests
{
    private static readonly CultureInfo English = CultureInfo.GetCultureInfo("en");

    [Fact]
    public void It_says_whose_data_made_the_model_and_how_well_it_does_in_each_place()
    {
        var results = SampleStudy.FourHospitals().Build();
        var card = ModelCard.Render(results, "federated/fedavg", English);

        Assert.StartsWith("# Model card: Federated · fedavg\n", card, StringComparison.Ordinal);
        Assert.All(results.Sites, s => Assert.Contains($"| {s.Id} | ", card, StringComparison.Ordinal));
        var score = results.Summary.Single(s => s.Model == "federated/fedavg" && s.Site == "hungary" && s.Metric == "rocAuc");
        Assert.Contains($"| hungary | 100 | {score.Mean.ToString("N3", English)} ({score.Low.ToString("N2", English)}–{score.High.ToString("N2", English)}) |", card, StringComparison.Ordinal);
        Assert.Contains("Nothing was protected", card, StringComparison.Ordinal);
        Assert.Contains(results.Models.First(m => m.Id == "federated/fedavg" && m.Repeat == 0).WeightsSha256, card, StringComparison.Ordinal);
    }

    [Fact]
    public void A_local_model_names_its_own_site_only()
    {
        var card = ModelCard.Render(SampleStudy.FourHospitals().Build(), "local/cleveland", English);
        var trained = card[card.IndexOf("## Trained on", StringComparison.Ordinal)..card.IndexOf("## Scores", StringComparison.Ordinal)];

        Assert.Contains("cleveland", trained, StringComparison.Ordinal);
        Assert.DoesNotContain("hungary", trained, StringComparison.Ordinal);
    }

    [Fact]
    public void It_exists_in_Chinese() =>
        Assert.Contains("使用谁的数据训练", ModelCard.Render(SampleStudy.TwoClinics().Build(), "combined/fine-tuned", CultureInfo.GetCultureInfo("zh-Hans")), StringComparison.Ordinal);

    [Fact]
    public void A_hostile_name_cannot_become_markup()
    {
        const string Hostile = "<img src=x>|[click](http://example.org)\n# heading";
        var card = ModelCard.Render(new SampleStudy("s").WithMarket("a", "US").WithSite(Hostile, "a", 100).WithSite("b", "a", 100).WithFederations("f").Build(), "federated/f", English);

        Assert.DoesNotContain("<img", card, StringComparison.Ordinal);
        Assert.DoesNotContain("[click]", card, StringComparison.Ordinal);
        Assert.DoesNotContain("\n# heading", card, StringComparison.Ordinal);
    }

    [Fact]
    public void A_model_that_the_study_does_not_have_is_refused() =>
        Assert.Throws<ArgumentException>(() => ModelCard.Render(SampleStudy.TwoClinics().Build(), "pooled", English));
}
