using System.Globalization;
using Comity.Declarations;
using Comity.Federation.Results;
using Comity.Federation.Sites;
using Comity.Insight.Results;

namespace Comity.Insight.Tests.Results;

public sealed class ResultsFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("comity-results-").FullName;

    private string Path => System.IO.Path.Combine(_folder, "results.json");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Results_come_back_as_they_were_and_equal_results_are_equal_bytes()
    {
        var results = SampleStudy.FourHospitals().WithWarning("arm-not-run", "pooled", "no-holder").Build();

        ResultsFile.Write(Path, results);
        var first = File.ReadAllBytes(Path);
        var read = ResultsFile.Read(Path);
        ResultsFile.Write(Path, read);

        Assert.Equal(first, File.ReadAllBytes(Path));
        Assert.Equal(results.Models.Count, read.Models.Count);
        Assert.Equal(results.Evaluation[3].Result.Metrics["rocAuc"], read.Evaluation[3].Result.Metrics["rocAuc"]);
        Assert.Equal(results.Evaluation[3].Result.Roc, read.Evaluation[3].Result.Roc);
        Assert.Equal(results.Benefit, read.Benefit);
        Assert.Equal(results.Summary, read.Summary);
        Assert.Single(Directory.GetFiles(_folder));
    }

    [Fact]
    public void The_order_in_which_metrics_were_computed_does_not_change_the_bytes()
    {
        var results = SampleStudy.TwoClinics().Build();
        ResultsFile.Write(Path, results);
        var expected = File.ReadAllBytes(Path);

        ResultsFile.Write(Path, results with
        {
            Evaluation = [.. results.Evaluation.Select(e => e with { Result = e.Result with { Metrics = e.Result.Metrics.Reverse().ToDictionary() } })],
        });

        Assert.Equal(expected, File.ReadAllBytes(Path));
    }

    [Fact]
    public void A_number_that_is_undefined_is_null_and_an_infinite_loss_stays_infinite()
    {
        var results = SampleStudy.TwoClinics().Build() with
        {
            Summary = [new("pooled", "*", "rocAuc", double.NaN, double.NaN, 0, 1, 0, 3)],
            History = [new("pooled", 0, 1, double.PositiveInfinity, new Dictionary<string, double> { ["rocAuc"] = double.NaN })],
        };

        ResultsFile.Write(Path, results);
        var read = ResultsFile.Read(Path);

        Assert.Contains("\"mean\": null", File.ReadAllText(Path), StringComparison.Ordinal);
        Assert.True(double.IsNaN(read.Summary[0].Mean));
        Assert.Equal(double.PositiveInfinity, read.History[0].Loss);
        Assert.True(double.IsNaN(read.History[0].Metrics["rocAuc"]));
    }

    [Theory]
    [InlineData("de-DE")]
    [InlineData("zh-Hans")]
    public void The_file_does_not_depend_on_the_culture(string culture)
    {
        var results = SampleStudy.TwoClinics().Build();
        ResultsFile.Write(Path, results);
        var expected = File.ReadAllBytes(Path);
        var before = CultureInfo.CurrentCulture;
        try
        {
            CultureInfo.CurrentCulture = CultureInfo.GetCultureInfo(culture);
            ResultsFile.Write(Path, results);
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
        Assert.Equal(expected, File.ReadAllBytes(Path));
    }

    [Fact]
    public void Predictions_of_single_records_never_stand_in_it()
    {
        var results = SampleStudy.TwoClinics().Build();
        var one = results.Evaluation[0];
        ResultsFile.Write(Path, results with
        {
            Evaluation = [one with { Result = one.Result with { Predictions = [new Prediction(41, "present", [0.25f, 0.75f])] } }],
        });

        Assert.DoesNotContain("predictions", File.ReadAllText(Path), StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public void A_newer_format_is_refused_before_anything_else_is_judged()
    {
        File.WriteAllText(Path, """{ "formatVersion": 2, "somethingNew": true }""");
        var problems = new ProblemList();

        Assert.Null(ResultsFile.Read(Path, problems));

        var problem = Assert.Single(problems);
        Assert.Equal("results-newer", problem.Code);
        Assert.Contains("2", problem.Found(CultureInfo.GetCultureInfo("en")), StringComparison.Ordinal);
        Assert.Contains("版本", problem.Found(CultureInfo.GetCultureInfo("zh-Hans")), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", "results-malformed")]
    [InlineData("[]", "results-not-results")]
    [InlineData("{}", "results-not-results")]
    [InlineData("""{ "formatVersion": 1 }""", "results-malformed")]
    [InlineData("""{ "formatVersion": 1, "study": "x" """, "results-malformed")]
    public void What_is_not_a_results_file_is_named_as_such(string text, string code)
    {
        File.WriteAllText(Path, text);
        var problems = new ProblemList();

        Assert.Null(ResultsFile.Read(Path, problems));
        Assert.Equal(code, Assert.Single(problems).Code);
    }

    [Fact]
    public void A_list_that_is_null_is_refused_instead_of_failing_later()
    {
        ResultsFile.Write(Path, SampleStudy.TwoClinics().Build() with { Warnings = [] });
        File.WriteAllText(Path, File.ReadAllText(Path).Replace("\"warnings\": []\n}", "\"warnings\": null\n}", StringComparison.Ordinal));

        var refused = Assert.Throws<InvalidDeclarationException>(() => ResultsFile.Read(Path));
        Assert.Equal("results-malformed", Assert.Single(refused.Problems).Code);
    }

    [Fact]
    public void A_missing_file_is_a_problem_and_not_an_exception()
    {
        var problems = new ProblemList();
        Assert.Null(ResultsFile.Read(Path, problems));
        Assert.Equal("results-unreadable", Assert.Single(problems).Code);
    }
}
