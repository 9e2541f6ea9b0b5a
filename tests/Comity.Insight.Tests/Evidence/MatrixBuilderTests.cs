using Comity.Insight.Evidence;

namespace Comity.Insight.Tests.Evidence;

public sealed class MatrixBuilderTests
{
    [Fact]
    public void Every_model_has_a_cell_at_every_site_where_it_was_judged()
    {
        var results = SampleStudy.FourHospitals().Build();
        var matrix = MatrixBuilder.Build(results);

        // Sites stand in the order of their markets, and the totals come last.
        Assert.Equal(["cleveland", "long-beach", "hungary", "switzerland", "", "*"], matrix.Columns.Select(c => c.Id));
        Assert.Equal(
            ["local/*", "local/cleveland", "local/hungary", "local/switzerland", "local/long-beach", "pooled", "federated/fedavg", "federated/fedadam", "federated/scaffold", "federated/fedavg+*"],
            matrix.Rows.Select(r => r.Model.Id));
        var cell = matrix.Rows[2].Cells[0]!; // Hungary's model in Cleveland
        var summary = results.Summary.Single(s => s.Model == "local/hungary" && s.Site == "cleveland" && s.Metric == "rocAuc");
        Assert.Equal((summary.Mean, summary.Low, summary.High, summary.Rows), (cell.Score.Mean, cell.Score.Low, cell.Score.High, cell.Score.Rows));
        Assert.Equal(IntervalKind.Repeats, cell.Score.Interval);
        Assert.False(cell.Home);
        Assert.True(matrix.Rows[2].Cells[2]!.Home);
        Assert.True(matrix.Rows[0].Cells.Take(4).All(c => c!.Home));
    }

    [Fact]
    public void A_family_shows_each_sites_own_member()
    {
        var results = SampleStudy.FourHospitals().Build();
        var personalised = MatrixBuilder.Build(results).Rows[^1];

        Assert.Equal(results.Summary.Single(s => s.Model == "federated/fedavg+hungary" && s.Site == "hungary" && s.Metric == "rocAuc").Mean, personalised.Cells[2]!.Score.Mean);
        Assert.Null(personalised.Cells[^1]); // nobody judged it on the union
    }

    [Theory]
    [InlineData("rocAuc", true)]
    [InlineData("logLoss", false)]
    public void The_best_of_a_column_is_the_best_in_the_metrics_own_sense(string metric, bool higher)
    {
        var matrix = MatrixBuilder.Build(SampleStudy.FourHospitals().Build(), metric);

        Assert.Equal(higher, matrix.HigherIsBetter);
        for (var c = 0; c < matrix.Columns.Count; c++)
        {
            var cells = matrix.Rows.Select(r => r.Cells[c]).OfType<MatrixCell>().ToList();
            var best = higher ? cells.Max(x => x.Score.Mean) : cells.Min(x => x.Score.Mean);
            Assert.All(cells, x => Assert.Equal(x.Score.Mean == best, x.Best));
        }
    }

    [Fact]
    public void The_mean_over_sites_is_taken_within_each_repeat()
    {
        var results = SampleStudy.FourHospitals().Build();
        var mean = MatrixBuilder.Build(results).Rows.Single(r => r.Model.Id == "pooled").Cells[4]!.Score;

        var byRepeat = results.Evaluation.Where(e => e.Model == "pooled" && e.Site != "*").GroupBy(e => e.Repeat).Select(g => g.Average(e => e.Result.Metrics["rocAuc"].Value)).ToList();
        Assert.Equal(byRepeat.Average(), mean.Mean, 12);
        Assert.Equal(byRepeat.Min(), mean.Low, 12);
        Assert.Equal(byRepeat.Max(), mean.High, 12);
        Assert.Equal(8, mean.Repeats);
    }

    [Fact]
    public void With_one_repeat_the_sites_errors_add_in_quadrature()
    {
        var results = SampleStudy.TwoClinics().Build();
        var mean = MatrixBuilder.Build(results).Rows[^1].Cells[2]!.Score;

        var sites = results.Summary.Where(s => s.Model == "combined/fine-tuned" && s.Site != "*" && s.Metric == "rocAuc").ToList();
        Assert.Equal(sites.Average(s => s.Mean), mean.Mean, 12);
        Assert.Equal(Math.Sqrt(sites.Sum(s => Math.Pow(s.Mean - s.Low, 2))) / 2, mean.Mean - mean.Low, 12);
        Assert.Equal(IntervalKind.Bootstrap, mean.Interval);
    }

    [Fact]
    public void Many_sites_are_drawn_together_by_market()
    {
        var matrix = MatrixBuilder.Build(SampleStudy.ManySites(60).Build());

        Assert.Equal(["us", "hu", "ch", "", "*"], matrix.Columns.Select(c => c.Id));
        Assert.Equal(["local/*", "federated/fedavg"], matrix.Rows.Select(r => r.Model.Id));
        Assert.Equal(IntervalKind.Sites, matrix.Rows[1].Cells[0]!.Score.Interval);
        Assert.InRange(matrix.Rows[1].Cells[0]!.Score.Mean, matrix.Rows[1].Cells[0]!.Score.Low, matrix.Rows[1].Cells[0]!.Score.High);
    }

    [Fact]
    public void An_undefined_score_is_never_the_best()
    {
        var results = SampleStudy.TwoClinics().Build();
        results = results with { Summary = [.. results.Summary.Select(s => s.Site == "local" && s.Model == "local/local" ? s with { Mean = double.NaN, Low = double.NaN, High = double.NaN } : s)] };

        var matrix = MatrixBuilder.Build(results);

        Assert.False(matrix.Rows.Single(r => r.Model.Id == "local/local").Cells[0]!.Best);
        Assert.Single(matrix.Rows, r => r.Cells[0]?.Best == true);
    }
}
