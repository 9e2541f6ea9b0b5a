using System.Globalization;
using System.IO.Compression;
using System.Text;
using Comity.Data.Cleaning;
using Comity.Data.Sources;
using Comity.Data.Tables;
using Comity.Declarations;

namespace Comity.Data.Tests.Tables;

public sealed class BadInputTests
{
    private const string Contract = """
        label: { column: y, positive: 1, negative: 0 }
        missing: "?"
        features:
          - { column: age, range: [18, 120] }
          - { column: group, kind: category, values: [a, b] }
          - { column: seen, kind: date }
          - { column: smoker, kind: boolean }
        """;

    [Theory]
    [InlineData("old,a,2020-01-01,1,1", "cell-not-number", 2, 1)]
    [InlineData("NaN,a,2020-01-01,1,1", "cell-not-finite", 2, 1)]
    [InlineData("-inf,a,2020-01-01,1,1", "cell-not-number", 2, 1)]
    [InlineData("1e60,a,2020-01-01,1,1", "cell-not-finite", 2, 1)]
    [InlineData("17.9,a,2020-01-01,1,1", "cell-out-of-range", 2, 1)]
    [InlineData("30,c,2020-01-01,1,1", "cell-unknown-value", 2, 2)]
    [InlineData("30,a,01.02.2020,1,1", "cell-not-date", 2, 3)]
    [InlineData("30,a,2020-01-01,maybe,1", "cell-unknown-value", 2, 4)]
    [InlineData("30,a,2020-01-01,1,2", "label-unknown", 2, 5)]
    [InlineData("30,a,2020-01-01,1", "record-width", 2, 0)]
    [InlineData("30,a,2020-01-01,1,1,9", "record-width", 2, 0)]
    public void A_wrong_cell_is_an_error_with_line_and_field(string record, string code, int line, int field)
    {
        var site = new SiteBuilder(Contract);

        Assert.Null(site.TryLoad($"age,group,seen,smoker,y\n{record}\n40,b,2021-01-01,no,0\n"));

        var problem = Assert.Single(site.Problems, p => p.Severity == Severity.Error);
        Assert.Equal((code, line, field), (problem.Code, problem.Place.Line, problem.Place.Column));
    }

    [Fact]
    public void Every_kind_of_problem_is_reported_once_with_a_count_and_the_first_five_lines()
    {
        var site = new SiteBuilder(Contract);
        var rows = Enumerable.Range(0, 8).Select(i => $"{(i < 7 ? "x" : "40")},{(i == 2 ? "z" : "a")},2020-01-01,1,{i % 2}");

        Assert.Null(site.TryLoad("age,group,seen,smoker,y\n" + string.Join('\n', rows)));

        Assert.Equal(["cell-not-number", "cell-unknown-value"], site.Codes);
        Assert.Contains("in 7 cells (lines 2, 3, 4, 5, 6, …)", site.Problems[0].Found(CultureInfo.InvariantCulture), StringComparison.Ordinal);
        Assert.Contains("a, b", site.Problems[1].Expected(CultureInfo.InvariantCulture), StringComparison.Ordinal);
    }

    [Fact]
    public void A_cell_s_value_is_shown_at_the_owner_s_console_only_and_shortened()
    {
        const string csv = "age,group,seen,smoker,y\n30,Mrs Robinson of Elm Street,2020-01-01,1,1\n40,a,2020-01-01,1,0";
        var hidden = new SiteBuilder(Contract);
        var shown = new SiteBuilder(Contract) { ShowValues = true };

        hidden.TryLoad(csv);
        shown.TryLoad(csv);

        Assert.DoesNotContain("Robin", hidden.Problems[0].ToString(), StringComparison.Ordinal);
        Assert.Contains("«Mrs Robinso…»", shown.Problems[0].ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Columns_that_are_not_there_are_named_all_at_once_with_the_nearest_name()
    {
        var site = new SiteBuilder(Contract);

        Assert.Null(site.TryLoad("agee,grp,seen,smoker,label\n1,2,3,4,5"));

        Assert.Equal(["column-unknown", "column-unknown", "column-unknown"], site.Codes);
        Assert.Contains("agee", site.Problems[0].Remedy(CultureInfo.InvariantCulture), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", "source-empty")]
    [InlineData("\n\n", "source-empty")]
    [InlineData("age,group,seen,smoker,y\n", "source-empty")]
    [InlineData("age,age,group,seen,smoker,y\n1,1,a,2020-01-01,1,1", "header-twice")]
    [InlineData("age,group,seen,smoker,y\n30,a,2020-01-01,1,\n", "site-no-usable-rows")]
    public void A_source_without_usable_records_is_an_error(string csv, string code)
    {
        var site = new SiteBuilder(Contract);

        Assert.Null(site.TryLoad(csv));

        Assert.Contains(code, site.Codes);
    }

    [Fact]
    public void A_site_whose_conditions_no_row_satisfies_has_no_rows()
    {
        var site = new SiteBuilder(Contract) { Source = new SourceSection { Rows = [new RowsSection { Column = "group", Values = ["b"] }] } };

        Assert.Null(site.TryLoad("age,group,seen,smoker,y\n30,a,2020-01-01,1,1\n"));

        Assert.Equal(["site-no-rows"], site.Codes);
    }

    [Fact]
    public void A_label_with_one_class_is_a_warning_since_the_site_can_still_take_part()
    {
        var site = new SiteBuilder(Contract);

        var table = site.TryLoad("age,group,seen,smoker,y\n30,a,2020-01-01,1,1\n31,a,2020-01-01,1,1\n");

        Assert.Equal(2, table!.Rows);
        Assert.Contains(site.Problems, p => p is { Code: "label-one-class", Severity: Severity.Warning });
    }

    [Fact]
    public void A_row_without_a_label_is_left_out_and_counted()
    {
        var site = new SiteBuilder(Contract);

        var table = site.Load("age,group,seen,smoker,y\n30,a,2020-01-01,1,1\n31,a,2020-01-01,1,?\n32,b,2020-01-01,0,0");

        Assert.Equal([0, 2], table.SourceRows.ToArray());
        Assert.Contains("label-missing", site.Codes);
    }

    [Fact]
    public void A_truncated_archive_is_refused_wherever_it_was_cut()
    {
        using var folder = new TemporaryFolder();
        var zipped = new MemoryStream();
        using (var zip = new GZipStream(zipped, CompressionLevel.Optimal, leaveOpen: true))
        {
            var text = new StringBuilder("age,group,seen,smoker,y\n");
            for (var i = 0; i < 500; i++) text.Append(CultureInfo.InvariantCulture, $"{20 + i % 80},{"ab"[i % 2]},2020-01-{1 + i % 28:00},{i % 2},{i % 2}\n");
            zip.Write(Encoding.UTF8.GetBytes(text.ToString()));
        }
        var whole = zipped.ToArray();
        for (var length = 0; length <= whole.Length; length += length < 24 || length > whole.Length - 12 ? 1 : 37)
        {
            File.WriteAllBytes(Path.Combine(folder.Path, "x.csv.gz"), whole[..length]);
            var problems = new ProblemList();
            var table = RecordTable.Load(
                Declared.Read<Data.Contracts.ContractSection>(Contract), new CleanSection { Duplicates = Duplicates.Keep }, new SourceSection { Csv = "x.csv.gz" }, folder.Path, "site", problems);

            if (length == whole.Length) Assert.Equal(500, table!.Rows);
            else Assert.Equal(["gzip-broken"], problems.Select(p => p.Code));
        }
    }

    [Fact]
    public void A_file_that_is_not_there_is_named_as_the_user_named_it()
    {
        var problems = new ProblemList();

        Assert.Null(RecordTable.Load(Declared.Read<Data.Contracts.ContractSection>(Contract), new CleanSection(), new SourceSection { Csv = "nowhere.csv" }, "/tmp", "site", problems));

        Assert.Equal(("source-missing", "nowhere.csv"), (problems[0].Code, problems[0].Place.File));
    }
}
