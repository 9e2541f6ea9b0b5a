using Comity.Data.Cleaning;
using Comity.Data.Contracts;
using Comity.Data.Sources;
using Comity.Data.Splits;
using Comity.Data.Tables;
using Comity.Declarations;
using Comity.Testing;

namespace Comity.Data.Tests;

public sealed class AdultIncomeTests
{
    private const string Contract = """
        label: { column: income, positive: [">50K", ">50K."], negative: ["<=50K", "<=50K."], names: ["<=50K", ">50K"] }
        missing: "?"
        features:
          - { column: age, range: [17, 90] }
          - { column: workclass, kind: category }
          - { column: education-num, range: [1, 16] }
          - { column: marital-status, kind: category }
          - { column: occupation, kind: category }
          - { column: capital-gain, range: [0, 99999] }
          - { column: hours-per-week, range: [1, 99] }
        sensitive: [sex, race]
        """;

    private static readonly SourceSection Source = new()
    {
        Csv = "adult.data.gz",
        TestCsv = "adult.test.gz",
        Comment = "|",
        Header = ["age", "workclass", "fnlwgt", "education", "education-num", "marital-status", "occupation", "relationship", "race", "sex", "capital-gain", "capital-loss", "hours-per-week", "native-country", "income"],
    };

    [Fact]
    public void The_census_has_the_rows_labels_unknowns_and_groups_that_its_readme_states()
    {
        var table = Load(Source);

        Assert.Equal((32561, 16281), (table.TestFileFrom, table.Rows - table.TestFileFrom));
        Assert.Equal((7841, 3846), (table.Labels.ToArray()[..32561].Count(l => l == 1), table.Labels.ToArray()[32561..].Count(l => l == 1)));
        Assert.Equal(1836 + 963, Enumerable.Range(0, table.Rows).Count(table["workclass"].IsMissing));
        var sex = (LevelColumn)table["sex"]; // judged by it, though it is no feature
        Assert.Equal(10771 + 5421, sex.Codes.ToArray().Count(code => sex.Levels[code] == "Female"));
    }

    [Fact]
    public void Sites_made_by_a_column_s_value_share_the_file_and_leave_no_row_out()
    {
        var loader = Loader();
        var problems = new ProblemList();
        string[][] workclasses = [["Private"], ["Self-emp-not-inc", "Self-emp-inc"], ["Local-gov", "State-gov", "Federal-gov"], ["?", "Never-worked", "Without-pay"]];

        var tables = workclasses.Select(w => loader.Load(Source with { Rows = [new RowsSection { Column = "workclass", Values = w }] }, w[0], problems)!).ToArray();

        Assert.Equal(Enumerable.Range(0, 32561 + 16281), tables.SelectMany(t => t.SourceRows.ToArray()).Order());
        Assert.Equal(22696, tables[0].TestFileFrom);
        Assert.Equal(1836, Enumerable.Range(0, tables[3].TestFileFrom).Count(tables[3]["workclass"].IsMissing));
    }

    [Fact]
    public void Parts_deal_every_row_out_once_in_equal_shares()
    {
        var loader = Loader();
        var problems = new ProblemList();

        var tables = Enumerable.Range(0, 500).Select(i => loader.Load(Source with { Part = new PartSection { Index = i, Of = 500, Seed = 3 } }, $"s{i}", problems)!).ToArray();

        Assert.Equal(Enumerable.Range(0, 32561 + 16281), tables.SelectMany(t => t.SourceRows.ToArray()).Order());
        Assert.All(tables, t => Assert.InRange(t.TestFileFrom, 65, 66));
    }

    private static TableLoader Loader() => new(Declared.Read<ContractSection>(Contract), new LoadOptions
    {
        BaseFolder = TestData.Folder("adult-income"),
        Clean = new CleanSection { Duplicates = Duplicates.Keep },
        Split = new SplitSection { File = true },
    });

    private static RecordTable Load(SourceSection source)
    {
        var problems = new ProblemList();
        var table = Loader().Load(source, "us", problems);
        problems.ThrowIfErrors();
        return table!;
    }
}
