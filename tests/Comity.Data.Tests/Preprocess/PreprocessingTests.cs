using Comity.Data.Cleaning;
using Comity.Data.Preprocess;
using Comity.Data.Shared;
using Comity.Data.Sources;
using Comity.Data.Tables;
using Comity.Data.Tests.Shared;
using Comity.Declarations;

namespace Comity.Data.Tests.Preprocess;

public sealed class PreprocessingTests
{
    private const string NumberContract = "label: { column: y, positive: 1 }\nfeatures: [{ column: x, range: [0, 100] }]";
    private const string Numbers = "x,y\n10,0\n20,1\n,0\n40,1\n30,1";

    private const string WithoutRange = "label: { column: y, positive: 1 }\nfeatures: [{ column: x }]";

    [Theory]
    [InlineData("missing: mean\nscale: min-max", 25, 10, 30)] // smallest and largest met
    [InlineData("missing: median", 20, 25, 11.180339887498949)]
    [InlineData("scale: robust", 20, 20, 20)]
    public void A_number_without_a_range_is_filled_and_scaled_as_well(string yaml, double fill, double center, double scale)
    {
        var (column, _) = Fit(WithoutRange, Numbers, yaml);

        Assert.Equal(fill, column.Fill, fill * 0.0101);
        Assert.Equal(center, column.Center, center * 0.0101);
        Assert.Equal(scale, column.Scale, scale * 0.021);
    }

    [Theory]
    [InlineData("missing: mean", 25, 25, 11.180339887498949)]
    [InlineData("missing: median", 20, 25, 11.180339887498949)]
    [InlineData("missing: mean\nscale: none", 25, 0, 1)]
    [InlineData("missing: mean\nscale: min-max", 25, 0, 100)] // the contract's range
    [InlineData("scale: robust", 20, 20, 20)]
    [InlineData("columns: { x: { missing: constant, constant: 77 } }", 77, 25, 11.180339887498949)]
    public void Filling_and_scaling_follow_the_declaration(string yaml, double fill, double center, double scale)
    {
        var (column, _) = Fit(NumberContract, Numbers, yaml);

        // Quantiles come from a sketch whose relative error is 1 %; the median of 10, 20, 30, 40 as a value that occurs is 20, the quartiles 10 and 30.
        Assert.Equal(fill, column.Fill, fill * 0.0101);
        Assert.Equal(center, column.Center, center * 0.0101);
        Assert.Equal(scale, column.Scale, scale * 0.021);
    }

    [Fact]
    public void A_missing_value_gets_the_fill_and_says_so_where_an_indicator_is_declared()
    {
        var (_, encoded) = Fit(WithoutRange, Numbers, "missing: mean\nscale: min-max\nindicator: true");

        Assert.Equal([0, 0, 1f / 3, 0, 0.5f, 1, 1, 0, 2f / 3, 0], encoded.Features);
        Assert.Equal([0, 1, 0, 1, 1], encoded.Labels);
        Assert.Equal([0, 1, 2, 3, 4], encoded.Rows);
    }

    [Fact]
    public void A_row_with_a_missing_value_is_left_out_where_so_declared()
    {
        var site = new SiteBuilder(NumberContract) { Preprocess = new PreprocessSection { Missing = MissingPolicy.DropRow } };

        Assert.Equal([0, 1, 3, 4], site.Load(Numbers).SourceRows.ToArray());
    }

    [Fact]
    public void Winsorising_pulls_outliers_in_before_scaling()
    {
        var csv = "x,y\n" + string.Join('\n', Enumerable.Range(1, 100).Select(i => $"{i},{i % 2}"));

        var (column, encoded) = Fit(NumberContract, csv, "scale: none\nwinsorise: [0.1, 0.9]");

        Assert.Equal(10, column.Low!.Value, 0.11);
        Assert.Equal(90, column.High!.Value, 0.91);
        Assert.Equal(column.Low.Value, encoded.Features.Min(), 1e-5);
        Assert.Equal(column.High.Value, encoded.Features.Max(), 1e-5);
        Assert.Equal(50, encoded.Features[49]);
    }

    [Fact]
    public void A_constant_column_is_centred_and_not_divided_by_zero()
    {
        var (column, encoded) = Fit(NumberContract, "x,y\n0.1,0\n0.1,1\n0.1,1", "missing: mean");

        Assert.Equal(1, column.Scale);
        Assert.All(encoded.Features, x => Assert.Equal(0, x, 1e-7));
    }

    [Fact]
    public void A_column_that_nobody_knows_is_the_same_input_for_every_row()
    {
        var (_, encoded) = Fit("label: { column: y, positive: 1 }\nfeatures: [{ column: x }, { column: k, kind: category, values: [a, b] }]", "x,k,y\n,,0\n,,1", "scale: standard");

        Assert.Equal([0, 1, 0, 0, 1, 0], encoded.Features);
    }

    [Theory]
    [InlineData("encode: one-hot", "k=a|k=b|k=c", "1,0,0;0,1,0;0,0,1;0,1,0")]
    [InlineData("encode: one-hot-drop-first", "k=b|k=c", "0,0;1,0;0,1;1,0")]
    [InlineData("encode: one-hot\nindicator: true", "k=a|k=b|k=c|k=missing", "1,0,0,0;0,1,0,0;0,0,1,0;0,1,0,1")]
    public void A_category_is_one_hot_with_or_without_its_first_value(string yaml, string names, string rows)
    {
        const string contract = "label: { column: y, positive: 1 }\nfeatures: [{ column: k, kind: category, values: [a, b, c] }]";
        var site = new SiteBuilder(contract) { Clean = new CleanSection { Duplicates = Duplicates.Keep } };
        var table = site.Load("k,y\na,0\nb,1\nc,0\n,1\nb,1\nb,1");
        var section = Declared.Read<PreprocessSection>(yaml);
        var preprocessing = Preprocessing.Fit(site.Contract, section, SharedStatisticsTests.Agree(site.Contract, section, [table]));

        Assert.Equal(names, string.Join('|', preprocessing.FeatureNames));
        Assert.Equal(rows, string.Join(';', preprocessing.Encode(table, [0, 1, 2, 3]).Features.Chunk(preprocessing.InputWidth).Select(r => string.Join(',', r))));
    }

    [Fact]
    public void A_category_that_only_one_site_has_is_agreed_before_training()
    {
        var contract = "label: { column: y, positive: 1 }\nfeatures: [{ column: k, kind: category }]";
        var (one, other) = (new SiteBuilder(contract), new SiteBuilder(contract));
        RecordTable[] tables = [one.Load("k,y\nz,0\nb,1"), other.Load("k,y\na,0\nb,1")];

        var preprocessing = Preprocessing.Fit(one.Contract, new PreprocessSection(), SharedStatisticsTests.Agree(one.Contract, new PreprocessSection(), tables));

        Assert.Equal(["k=a", "k=b", "k=z"], preprocessing.FeatureNames);
        Assert.Equal([0, 0, 1, 0, 1, 0], preprocessing.Encode(tables[0], [0, 1]).Features);
    }

    [Fact]
    public void Dates_go_round_and_a_missing_one_is_the_centre()
    {
        const string contract = "label: { column: y, positive: 1 }\nfeatures: [{ column: d, kind: date, parts: [month, weekday, hour, day-of-year, year] }]";
        var (_, encoded) = Fit(contract, "d,y\n2024-01-01T06:00:00,0\n2023-07-02 18:00,1\n,1", "scale: none");
        var rows = encoded.Features.Chunk(9).ToArray();

        Near([0, 1, 0, 1, 1, 0], rows[0][..6]); // January, a Monday, six o'clock
        Near([0, -1, (float)Math.Sin(2 * Math.PI * 6 / 7), (float)Math.Cos(2 * Math.PI * 6 / 7), -1, 0], rows[1][..6]); // July, a Sunday, eighteen o'clock
        Assert.Equal(2.4f + 0.25f / 366 / 10, rows[0][8], 1e-5);
        Assert.Equal(new float[9], rows[2]);
    }

    [Fact]
    public void Ordinals_keep_their_order_and_booleans_are_one_input()
    {
        const string contract = "label: { column: y, positive: 1 }\nfeatures: [{ column: o, kind: ordinal, values: [low, mid, high] }, { column: b, kind: boolean }]";
        var (_, encoded) = Fit(contract, "o,b,y\nlow,yes,0\nhigh,F,1\nmid,,1\nhigh,1,0", "scale: min-max");

        Assert.Equal([0, 1, 1, 0, 0.5f, 1, 1, 1], encoded.Features);
    }

    [Fact]
    public void Site_statistics_share_the_vocabulary_only()
    {
        var site = new SiteBuilder("label: { column: y, positive: 1 }\nfeatures: [{ column: x, range: [0, 100] }, { column: k, kind: category }]");
        var table = site.Load("x,k,y\n10,a,0\n20,b,1");
        var section = new PreprocessSection { Statistics = StatisticsFrom.Site };

        var agreed = SharedStatisticsTests.Agree(site.Contract, section, [table]);
        var preprocessing = Preprocessing.FitSite(site.Contract, section, agreed, table, [0, 1]);

        Assert.Equal(["k/levels"], agreed.Parts.Select(p => p.Name));
        Assert.Equal(15, preprocessing.Columns[0].Center);
    }

    [Fact]
    public void The_written_form_encodes_the_same_bits_and_newer_or_damaged_ones_are_refused()
    {
        var contract = HeartDisease.Contract();
        var table = HeartDisease.Load("hungarian");
        var section = new PreprocessSection { Indicator = true, Winsorise = [0.01, 0.99], Selection = new SelectionSection { By = SelectionKind.MutualInformation, Keep = 8 } };
        var fitted = Preprocessing.Fit(contract, section, SharedStatisticsTests.Agree(contract, section, [table]));
        int[] rows = [.. Enumerable.Range(0, table.Rows)];

        var json = fitted.ToJson();
        var read = Preprocessing.FromJson(json);

        Assert.Equal(fitted.Encode(table, rows).Features, read.Encode(table, rows).Features);
        Assert.Equal(fitted.FeatureNames, read.FeatureNames);
        Assert.Equal(json, read.ToJson());
        Assert.Throws<FormatException>(() => Preprocessing.FromJson(json.Replace("\"formatVersion\": 1", "\"formatVersion\": 2", StringComparison.Ordinal)));
        Assert.Throws<FormatException>(() => Preprocessing.FromJson(json[..^200]));
        Assert.Throws<FormatException>(() => Preprocessing.FromJson("{}"));
    }

    [Fact]
    public void New_records_need_no_label_and_what_is_wrong_with_one_does_not_stop_the_others()
    {
        var site = new SiteBuilder("label: { column: y, positive: 1 }\nmissing: '?'\nfeatures: [{ column: x, range: [0, 100] }, { column: k, kind: category }]");
        var table = site.Load("x,k,y\n10,a,0\n20,b,1\n30,b,1");
        var preprocessing = Preprocessing.FromJson(Preprocessing.Fit(site.Contract, new PreprocessSection { Missing = MissingPolicy.Mean }, SharedStatisticsTests.Agree(site.Contract, new PreprocessSection(), [table])).ToJson());
        using var folder = new TemporaryFolder();
        folder.Write("new.csv", "k,extra,x\na,1,10\nz,1,20\nb,1,999\n?,1,?\nb,1\n");
        var problems = new ProblemList();

        var records = preprocessing.LoadRecords(new SourceSection { Csv = "new.csv" }, folder.Path, problems)!;
        var encoded = preprocessing.Encode(records, [0, 1, 2, 3, 4]);

        Assert.Empty(problems);
        Assert.Equal(5, records.Rows);
        Assert.Equal([(1, "k", "cell-unknown-value"), (2, "x", "cell-out-of-range"), (4, "", "record-width")], records.Issues.Select(i => (i.Row, i.Column, i.Code)));
        Assert.Empty(encoded.Labels);
        Assert.Equal(preprocessing.Encode(table, [0]).Features, encoded.Features[..3]);
        Assert.Equal(encoded.Features[9..12], encoded.Features[12..15]); // a broken record is one of missing values
    }

    [Fact]
    public void An_input_file_without_a_needed_column_is_refused_by_name()
    {
        var site = new SiteBuilder(NumberContract);
        var table = site.Load(Numbers);
        var preprocessing = Preprocessing.Fit(site.Contract, new PreprocessSection(), SharedStatisticsTests.Agree(site.Contract, new PreprocessSection(), [table]));
        using var folder = new TemporaryFolder();
        folder.Write("new.csv", "z\n1\n");
        var problems = new ProblemList();

        Assert.Null(preprocessing.LoadRecords(new SourceSection { Csv = "new.csv" }, folder.Path, problems));

        Assert.Equal(["column-unknown"], problems.Select(p => p.Code));
    }

    private static void Near(float[] expected, float[] actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (var i = 0; i < expected.Length; i++) Assert.Equal(expected[i], actual[i], 1e-6f);
    }

    private static (FittedColumn Column, EncodedRows Encoded) Fit(string contract, string csv, string yaml)
    {
        var site = new SiteBuilder(contract) { Clean = new CleanSection { Duplicates = Duplicates.Keep } };
        var table = site.Load(csv);
        var section = Declared.Read<PreprocessSection>(yaml);
        var preprocessing = Preprocessing.Fit(site.Contract, section, SharedStatisticsTests.Agree(site.Contract, section, [table]));
        return (preprocessing.Columns[0], preprocessing.Encode(table, [.. Enumerable.Range(0, table.Rows)]));
    }
}
