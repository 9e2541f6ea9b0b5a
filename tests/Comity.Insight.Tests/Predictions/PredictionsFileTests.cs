using Comity.Declarations;
using Comity.Federation.Sites;
using Comity.Insight.Predictions;

namespace Comity.Insight.Tests.Predictions;

public sealed class PredictionsFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("comity-predictions-").FullName;

    private string Path => System.IO.Path.Combine(_folder, "predictions.csv");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Classes_head_their_columns_in_order_with_the_positive_one_last()
    {
        await PredictionsFile.WriteAsync(Path, ["absent", "present"], [new("local/cleveland", 0, "hungary", new(17, "present", [0.25f, 0.75f]))]);

        Assert.Equal("model,repeat,site,row,label,p:absent,p:present\nlocal/cleveland,0,hungary,17,present,0.25,0.75\n", await File.ReadAllTextAsync(Path));
    }

    [Fact]
    public async Task A_regression_has_one_prediction()
    {
        await PredictionsFile.WriteAsync(Path, [], [new("pooled", 2, "a", new(0, "12.5", [1e-7f]))]);

        Assert.Equal("model,repeat,site,row,label,prediction\npooled,2,a,0,12.5,1E-07\n", await File.ReadAllTextAsync(Path));
        Assert.Empty(PredictionsFile.ReadClasses(Path));
    }

    [Fact]
    public async Task Names_with_commas_quotes_line_ends_and_blanks_come_back_unharmed()
    {
        PredictionRow[] rows =
        [
            new("federated/a,b", 0, "say \"hi\"", new(1, "two\r\nlines", [0.1f, 0.9f])),
            new(" led", 1, "上海", new(2, "", [float.NaN, 1f / 3])),
        ];

        await PredictionsFile.WriteAsync(Path, ["no, thanks", "yes\n"], rows);
        var read = PredictionsFile.Read(Path).ToList();

        Assert.Equal(["no, thanks", "yes\n"], PredictionsFile.ReadClasses(Path));
        Assert.Equal(rows.Select(r => (r.Model, r.Repeat, r.Site, r.Prediction.Row, r.Prediction.Label)), read.Select(r => (r.Model, r.Repeat, r.Site, r.Prediction.Row, r.Prediction.Label)));
        Assert.Equal(rows.SelectMany(r => r.Prediction.Outputs), read.SelectMany(r => r.Prediction.Outputs));
    }

    [Fact]
    public async Task Rows_are_written_as_they_come_and_a_failure_leaves_nothing_behind()
    {
        await Assert.ThrowsAsync<InvalidOperationException>(() => PredictionsFile.WriteAsync(Path, ["a", "b"], Rows()));
        Assert.Empty(Directory.GetFiles(_folder));

        static IEnumerable<PredictionRow> Rows()
        {
            yield return new("pooled", 0, "a", new(0, "a", [0.5f, 0.5f]));
            throw new InvalidOperationException("the site went away");
        }
    }

    [Fact]
    public async Task A_row_with_another_number_of_outputs_is_refused() =>
        await Assert.ThrowsAsync<ArgumentException>(() => PredictionsFile.WriteAsync(Path, ["a", "b"], [new("pooled", 0, "a", new(0, "a", [0.5f]))]));

    [Theory]
    [InlineData("", "predictions-header")]
    [InlineData("model,site\n", "predictions-header")]
    [InlineData("model,repeat,site,row,label,prediction\npooled,0,a,0,1\n", "predictions-fields")]
    [InlineData("model,repeat,site,row,label,prediction\npooled,0,a,0,1,\"0.5\n", "predictions-quotes")]
    [InlineData("model,repeat,site,row,label,prediction\npooled,zero,a,0,1,0.5\n", "predictions-number")]
    public void What_is_malformed_is_named_with_its_line(string text, string code)
    {
        File.WriteAllText(Path, text);
        var refused = Assert.Throws<InvalidDeclarationException>(() => PredictionsFile.Read(Path).ToList());
        var problem = Assert.Single(refused.Problems);
        Assert.Equal(code, problem.Code);
        Assert.Equal(text.Contains('\n', StringComparison.Ordinal) && code != "predictions-header" ? 2 : 1, problem.Place.Line);
    }
}
