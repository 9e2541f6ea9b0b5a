using Comity.Data.Contracts;
using Comity.Data.Preprocess;
using Comity.Data.Shared;
using Comity.Data.Sources;
using Comity.Data.Splits;
using Comity.Data.Tables;
using Comity.Declarations;

namespace Comity.Data.Tests.Series;

public sealed class SeriesTests
{
    private const string Plain = "series: { order: hour, steps: 3, horizon: 2 }";

    [Fact]
    public void A_window_holds_the_steps_before_it_and_its_label_lies_ahead()
    {
        var (table, encoded, form) = Encode(Contract(Plain), Hours(8));
        Assert.Equal(new SeriesForm(3, 1), form);
        Assert.Equal(4, table.Rows); // eight steps, two before the first present one, two after the last
        Assert.Equal([2, 3, 4, 5], table.SourceRows.ToArray());
        Assert.Equal([40, 50, 60, 70], encoded.Labels);
        Assert.Equal([0, 10, 20, 30, 40, 50], encoded.Features); // each step once
        Assert.Equal([0, 1, 2, 3], encoded.Starts);
    }

    [Fact]
    public void Rows_are_put_in_order_and_keep_their_positions()
    {
        var (table, encoded, _) = Encode(Contract("series: { order: hour, steps: 2, horizon: 1 }"), "hour,x\n3,30\n1,10\n2,20\n0,0\n");
        Assert.Equal([1, 2], table.SourceRows.ToArray()); // hour 1 stands on the second row, hour 2 on the third
        Assert.Equal([20, 30], encoded.Labels);
        Assert.Equal([0, 10, 20], encoded.Features);
    }

    [Fact]
    public void Lags_take_single_steps_the_oldest_first()
    {
        var (_, encoded, form) = Encode(Contract("series: { order: hour, lags: [0, 3], horizon: 1 }"), Hours(6));
        Assert.Equal(new SeriesForm(2, 1), form);
        Assert.Equal([0, 30, 10, 40], encoded.Features);
        Assert.Empty(encoded.Starts);
        Assert.Equal([40, 50], encoded.Labels);
    }

    [Fact]
    public void Every_second_window_only() =>
        Assert.Equal([40, 60], Encode(Contract("series: { order: hour, steps: 3, horizon: 2, every: 2 }"), Hours(8)).Encoded.Labels);

    [Fact]
    public void No_window_reaches_over_a_hole_in_time()
    {
        var csv = Hours(12).Replace("5,50\n", "", StringComparison.Ordinal);
        Assert.Equal(7, Encode(Contract(Plain), csv).Table.Rows); // without an interval, eleven neighbours
        var (table, problems) = Load(Contract("series: { order: hour, steps: 3, horizon: 2, interval: 1 }"), csv);
        Assert.Contains(problems, p => p.Code == "series-holes");
        Assert.Equal([40, 100, 110], table!.Labels.ToArray()); // hours 0 to 4, and 6 to 11
    }

    [Fact]
    public void The_last_known_value_stands_in_for_a_while_and_never_the_next_one()
    {
        var csv = "hour,x\n0,0\n1,10\n2,\n3,\n4,\n5,50\n6,60\n7,70\n";
        var (table, encoded, _) = Encode(Contract("series: { order: hour, steps: 5, horizon: 1, carry: 2 }"), csv, "{ columns: { x: { missing: constant, constant: -1 } }, scale: none }");
        Assert.Equal([50, 60, 70], table.Labels.ToArray()); // labels are never filled in
        Assert.Equal([0, 10, 10, 10, -1, 50, 60], encoded.Features);
    }

    [Fact]
    public void A_window_whose_label_is_missing_is_left_out_and_counted()
    {
        var (table, problems) = Load(Contract(Plain), Hours(8).Replace("6,60", "6,", StringComparison.Ordinal));
        Assert.Equal([40, 50, 70], table!.Labels.ToArray());
        Assert.Contains(problems, p => p.Code == "series-unlabelled");
    }

    [Fact]
    public void Each_step_counts_once_in_what_sites_share_and_test_steps_do_not_count()
    {
        var contract = Contract(Plain);
        var (table, _) = Load(contract, Hours(12));
        var split = Splitter.Split(table!, new SplitSection { Time = "hour", Test = 0.25 }, Tensors.Randomness.Seed.Of(1), 0);
        Assert.Equal([0, 1, 2, 3, 4, 5], split.Training); // labels 40 … 90
        Assert.Equal([6, 7], split.Test);
        var preprocess = new PreprocessSection { Scale = ScaleKind.Standard };
        var agreed = SharedStatistics.None;
        foreach (var step in SharedStatistics.Steps(contract, preprocess)) agreed = agreed.And(SharedStatistics.Collect(step, table!, split.Training, contract, preprocess, agreed));
        var column = Preprocessing.Fit(contract, preprocess, agreed).Columns[0];
        Assert.Equal(35, column.Center, 6); // steps 0 … 70, which the training windows hold
        Assert.Equal(Math.Sqrt(525), column.Scale, 5);
        Assert.Equal(column.Center, Preprocessing.FitSite(contract, preprocess, SharedStatistics.None, table!, split.Training).Columns[0].Center, 6);
    }

    [Fact]
    public void A_date_may_stand_in_several_columns_and_gives_calendar_features()
    {
        const string contract = """
            { label: { column: x, kind: number }, features: [{ column: x, kind: number }, { column: time, kind: date, format: yyyy M d H, parts: [hour] }],
              series: { order: time, steps: 2, horizon: 1, interval: 01:00:00 } }
            """;
        var csv = "year,month,day,hour,x\n2020,2,28,22,1\n2020,2,28,23,2\n2020,2,29,0,3\n2020,2,29,1,4\n2020,2,29,3,5\n";
        var source = new SourceSection { Join = new Dictionary<string, IReadOnlyList<string>> { ["time"] = ["year", "month", "day", "hour"] } };
        var (table, encoded, form) = Encode(Declared.Read<ContractSection>(contract), csv, source: source);
        Assert.Equal(new SeriesForm(2, 3), form);
        Assert.Equal([3, 4], table.Labels.ToArray()); // two hours lie between the last two rows
        Assert.Equal((float)Math.Sin(2 * Math.PI * 22 / 24), encoded.Features[1], 5);
        Assert.Equal((float)Math.Cos(2 * Math.PI * 0 / 24), encoded.Features[8], 5);
    }

    [Fact]
    public void For_prediction_the_last_window_looks_beyond_the_end()
    {
        var contract = Contract(Plain);
        var (table, _) = Load(contract, Hours(8));
        var preprocessing = Fit(contract, table!, "{ scale: none, missing: mean }");
        using var folder = new TemporaryFolder();
        var problems = new ProblemList();
        var records = preprocessing.LoadRecords(new SourceSection { Csv = folder.Write("new.csv", Hours(5)) }, folder.Path, problems);
        problems.ThrowIfErrors();
        Assert.Equal([2, 3, 4], records!.SourceRows.ToArray());
        Assert.Equal([0, 10, 20, 30, 40], Preprocessing.FromJson(preprocessing.ToJson()).Encode(records, [0, 1, 2]).Features);
    }

    [Theory]
    [InlineData("series: { order: hour, steps: 3, lags: [0] }", "series-window")]
    [InlineData("series: { order: hour, lags: [0, 0] }", "series-lags")]
    [InlineData("series: { order: hour, steps: 3, interval: soon }", "series-interval")]
    [InlineData("series: { order: hour, steps: 3 }", "label-is-feature")]
    public void What_can_not_be_meant_is_said(string series, string code) =>
        Assert.Contains(Declared.Try<ContractSection>(Text(series)).Problems, p => p.Code == code);

    [Theory]
    [InlineData("hour,x\n0,0\n0,1\n1,2\n2,3\n3,4\n", "series-twice")]
    [InlineData("hour,x\n0,0\n1,1\n", "series-too-short")]
    [InlineData("hour,x\n0,0\nnow,1\n2,2\n", "cell-not-ordered")]
    public void A_series_that_is_none_is_refused(string csv, string code) =>
        Assert.Contains(Load(Contract(Plain), csv).Problems, p => p.Code == code && p.Severity == Severity.Error);

    private static string Hours(int count) => "hour,x\n" + string.Concat(Enumerable.Range(0, count).Select(i => $"{i},{10 * i}\n"));

    private static string Text(string series) => $"{{ label: {{ column: x, kind: number }}, features: [{{ column: x, kind: number }}], {series} }}";

    private static ContractSection Contract(string series) => Declared.Read<ContractSection>(Text(series));

    private static (RecordTable? Table, ProblemList Problems) Load(ContractSection contract, string csv, SourceSection? source = null)
    {
        using var folder = new TemporaryFolder();
        var problems = new ProblemList();
        var options = new LoadOptions { BaseFolder = folder.Path, Split = new SplitSection { Time = contract.Series!.Order } };
        return (new TableLoader(contract, options).Load((source ?? new SourceSection()) with { Csv = folder.Write("site.csv", csv) }, "site", problems), problems);
    }

    private static Preprocessing Fit(ContractSection contract, RecordTable table, string preprocess)
    {
        var section = Declared.Read<PreprocessSection>(preprocess);
        var agreed = SharedStatistics.None;
        int[] rows = [.. Enumerable.Range(0, table.Rows)];
        foreach (var step in SharedStatistics.Steps(contract, section)) agreed = agreed.And(SharedStatistics.Collect(step, table, rows, contract, section, agreed));
        return Preprocessing.Fit(contract, section, agreed);
    }

    private static (RecordTable Table, EncodedRows Encoded, InputForm Form) Encode(ContractSection contract, string csv, string preprocess = "{ scale: none, missing: mean }", SourceSection? source = null)
    {
        var (table, problems) = Load(contract, csv, source);
        problems.ThrowIfErrors();
        var preprocessing = Fit(contract, table!, preprocess);
        return (table!, preprocessing.Encode(table!, [.. Enumerable.Range(0, table!.Rows)]), preprocessing.Form);
    }
}
