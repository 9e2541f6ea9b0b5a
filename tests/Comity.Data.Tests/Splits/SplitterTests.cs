using Comity.Data.Sources;
using Comity.Data.Splits;
using Comity.Data.Tables;
using Comity.Declarations;
using Comity.Tensors.Randomness;
using FsCheck;
using FsCheck.Fluent;

namespace Comity.Data.Tests.Splits;

public sealed class SplitterTests
{
    private const string Contract = """
        label: { column: y, classes: [a, b, c] }
        features: [{ column: x }, { column: sex, kind: boolean }]
        """;

    [Fact]
    public void Every_row_is_in_exactly_one_part_and_each_class_with_two_rows_is_on_both_sides()
    {
        var rows = Gen.Choose(0, 2).SelectMany(y => Gen.Choose(0, 1).Select(sex => (y, sex)));
        var tables = Gen.ArrayOf(rows).Where(r => r.Length >= 4);

        Prop.ForAll(Arb.From(tables), Arb.From(Gen.Choose(5, 60)), (records, percent) =>
        {
            var table = Table(records);
            var split = Splitter.Split(table, new SplitSection { Test = percent / 100.0, Validation = 0.2 }, Seed.Of(1), 0);

            Assert.Equal(Enumerable.Range(0, table.Rows), split.Training.Concat(split.Validation).Concat(split.Test).Order());
            var test = split.Test.ToHashSet();
            foreach (var group in Enumerable.Range(0, table.Rows).GroupBy(r => table.Labels.Span[r]).Where(g => g.Count() > 1))
                Assert.InRange(group.Count(test.Contains), 1, group.Count() - 1);
            // Stratified: each class's test rows are within one of its share, save the floor and ceiling above.
            foreach (var group in Enumerable.Range(0, table.Rows).GroupBy(r => table.Labels.Span[r]).Where(g => g.Count() * percent >= 100 && g.Count() * (100 - percent) >= 100))
                Assert.InRange(group.Count(test.Contains), group.Count() * percent / 100.0 - 1, group.Count() * percent / 100.0 + 1);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(40));
    }

    [Fact]
    public void The_same_study_repeat_and_site_give_the_same_parts_and_others_do_not()
    {
        var table = Table([.. Enumerable.Range(0, 60).Select(i => (i % 3, i % 2))]);
        var section = new SplitSection { Test = 0.34 };

        var split = Splitter.Split(table, section, Seed.Of(7), 0);

        Assert.Equal(split.Test, Splitter.Split(table, section, Seed.Of(7), 0).Test);
        Assert.NotEqual(split.Test, Splitter.Split(table, section, Seed.Of(7), 1).Test);
        Assert.NotEqual(split.Test, Splitter.Split(table, section, Seed.Of(8), 0).Test);
    }

    [Fact]
    public void Validation_rows_come_from_the_training_part_so_test_rows_do_not_depend_on_them()
    {
        var table = Table([.. Enumerable.Range(0, 60).Select(i => (i % 3, i % 2))]);

        var with = Splitter.Split(table, new SplitSection { Test = 0.34, Validation = 0.25 }, Seed.Of(7), 0);

        Assert.Equal(Splitter.Split(table, new SplitSection { Test = 0.34 }, Seed.Of(7), 0).Test, with.Test);
        Assert.Equal((20, 10, 30), (with.Test.Length, with.Validation.Length, with.Training.Length));
    }

    [Fact]
    public void Folds_test_each_row_once_and_differ_in_size_by_one_at_most()
    {
        var table = Table([.. Enumerable.Range(0, 53).Select(i => (i % 3, i % 2))]);

        var folds = Enumerable.Range(0, 5).Select(r => Splitter.Split(table, new SplitSection { Kfold = 5 }, Seed.Of(7), r)).ToArray();

        Assert.Equal(Enumerable.Range(0, 53), folds.SelectMany(f => f.Test).Order());
        Assert.All(folds, f => Assert.InRange(f.Test.Length, 10, 11));
        Assert.NotEqual(folds[0].Test, Splitter.Split(table, new SplitSection { Kfold = 5 }, Seed.Of(7), 5).Test);
    }

    [Fact]
    public void Stratifying_by_a_column_besides_keeps_its_shares_too()
    {
        var table = Table([.. Enumerable.Range(0, 120).Select(i => (i % 3, i % 4 == 0 ? 1 : 0))]);

        var split = Splitter.Split(table, new SplitSection { Test = 0.5, Stratify = ["label", "sex"] }, Seed.Of(7), 0);

        var sex = ((LevelColumn)table["sex"]).Codes.ToArray();
        Assert.Equal(15, split.Test.Count(r => sex[r] == 1));
        Assert.Equal(60, split.Test.Length);
    }

    [Fact]
    public void By_time_no_test_row_is_earlier_than_a_training_row()
    {
        var site = new SiteBuilder("label: { column: y, positive: 1 }\nfeatures: [{ column: x }]") { Split = new SplitSection { Time = "when", Test = 0.3, Validation = 0.2 } };
        var table = site.Load("x,when,y\n" + string.Join('\n', Enumerable.Range(0, 40).Select(i => $"{i},2020-01-{1 + i * 7 % 28:00} 0{i % 10}:00,{i % 2}")));

        var split = Splitter.Split(table, site.Split, Seed.Of(7), 0);

        var keys = ((DateColumn)table["when"]).Ticks.ToArray();
        Assert.Equal((22, 6, 12), (split.Training.Length, split.Validation.Length, split.Test.Length));
        Assert.True(split.Training.Max(r => keys[r]) <= split.Validation.Min(r => keys[r]));
        Assert.True(split.Validation.Max(r => keys[r]) <= split.Test.Min(r => keys[r]));
    }

    [Fact]
    public void Negative_numbers_come_before_positive_ones_in_time()
    {
        var site = new SiteBuilder("label: { column: y, positive: 1 }\nfeatures: [{ column: x }]") { Split = new SplitSection { Time = "t", Test = 0.5 } };
        var table = site.Load("x,t,y\n1,-5.5,0\n1,3,1\n1,-7,0\n1,-0.1,1");

        Assert.Equal([1, 3], Splitter.Split(table, site.Split, Seed.Of(1), 0).Test);
    }

    [Fact]
    public void A_column_s_value_says_the_part()
    {
        var split = new SplitSection { Column = new SplitColumnSection { Name = "cohort", Test = ["2024"], Validation = ["2023"] } };
        var site = new SiteBuilder("label: { column: y, positive: 1 }\nfeatures: [{ column: x }]") { Split = split };
        var table = site.Load("x,cohort,y\n1,2022,0\n2,2024,1\n3,2023,0\n4,2024,0\n5,,1");

        var parts = Splitter.Split(table, split, Seed.Of(7), 0);

        Assert.Equal([[0, 4], [2], [1, 3]], new[] { parts.Training, parts.Validation, parts.Test });
    }

    [Fact]
    public void A_test_file_s_rows_are_the_test_rows_and_count_on_from_the_main_file()
    {
        using var folder = new TemporaryFolder();
        folder.Write("train.csv", "x,y\n1,0\n2,1\n3,\n");
        folder.Write("test.csv", "x,y\n4,1\n5,0\n");
        var problems = new ProblemList();
        var options = new LoadOptions { BaseFolder = folder.Path };
        var contract = Declared.Read<Data.Contracts.ContractSection>("label: { column: y, positive: 1 }\nfeatures: [{ column: x }]");

        var table = new TableLoader(contract, options).Load(new SourceSection { Csv = "train.csv", TestCsv = "test.csv" }, "s", problems)!;
        var parts = Splitter.Split(table, new SplitSection { File = true }, Seed.Of(7), 0);

        Assert.Equal([3, 4], parts.Test.Select(r => table.SourceRows.Span[r]));
        Assert.Equal([0, 1], parts.Training.Select(r => table.SourceRows.Span[r]));
    }

    private static RecordTable Table((int Y, int Sex)[] records) =>
        new SiteBuilder(Contract) { Clean = new() { Duplicates = Data.Cleaning.Duplicates.Keep } }.Load("x,sex,y\n" + string.Join('\n', records.Select((r, i) => $"{i},{r.Sex},{"abc"[r.Y]}")));
}
