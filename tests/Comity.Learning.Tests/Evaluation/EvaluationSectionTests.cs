using System.Globalization;
using Comity.Declarations;
using Comity.Learning.Evaluation;

namespace Comity.Learning.Tests.Evaluation;

public sealed class EvaluationSectionTests
{
    [Fact]
    public void Every_key_is_read_and_every_default_stands()
    {
        var problems = new ProblemList();

        var section = Read("bootstrap: 500\nconfidence: 0.9\nprimary: logLoss\nthreshold: 0.3\ncalibrationBins: 15\ncalibrationBinning: equal-count\n", problems);

        Assert.Empty(problems);
        Assert.Equal(new EvaluationSection { Bootstrap = 500, Confidence = 0.9, Primary = "logLoss", Threshold = 0.3, CalibrationBins = 15, CalibrationBinning = CalibrationBinning.EqualCount }, section);
        Assert.Equal((1000, 0.95, 0.5, 10), (new EvaluationSection().Bootstrap, new EvaluationSection().Confidence, new EvaluationSection().Threshold, new EvaluationSection().CalibrationBins));
        Assert.Equal(["rocAuc", "accuracy", "rmse", "bitsPerCharacter", "bitsPerCharacter", "entityF1"], Enum.GetValues<TaskKind>().Select(new EvaluationSection().PrimaryFor));
    }

    [Fact]
    public void All_problems_come_at_once_in_both_languages()
    {
        var problems = new ProblemList();

        Read("bootstrap: 20\nprimary: rocAUCs\n", problems);
        new EvaluationSection { Primary = "rmse" }.CheckTask(TaskKind.Binary, Map("primary: rmse\n"), problems);

        Assert.Equal(["too-few-resamples", "unknown-metric", "metric-of-another-task"], problems.Select(p => p.Code));
        Assert.Equal(2, problems[1].Place.Line);
        Assert.Contains("rocAuc", problems[1].Remedy(CultureInfo.GetCultureInfo("en")), StringComparison.Ordinal);
        foreach (var culture in new[] { "en", "zh-Hans" }.Select(CultureInfo.GetCultureInfo))
            Assert.All(problems, p => Assert.True(p.Found(culture).Length > 5 && p.Expected(culture).Length > 5 && p.Remedy(culture).Length > 5));
        Assert.Contains("指标", problems[1].Found(CultureInfo.GetCultureInfo("zh-Hans")), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("confidence: 1\n")]
    [InlineData("confidence: 0.5\n")]
    [InlineData("threshold: 0\n")]
    [InlineData("bootstrap: -1\n")]
    [InlineData("calibrationBins: 1\n")]
    public void Numbers_out_of_bounds_are_refused(string text)
    {
        var problems = new ProblemList();
        Read(text, problems);
        Assert.Equal("out-of-range", Assert.Single(problems).Code);
    }

    private static EvaluationSection? Read(string text, ProblemList problems) => SectionReader.Read<EvaluationSection>(Map(text), problems);

    private static DeclaredNode.Map Map(string text)
    {
        var problems = new ProblemList();
        var map = DeclaredFile.Parse(text, "study.yaml", problems);
        Assert.Empty(problems);
        return map!;
    }
}
