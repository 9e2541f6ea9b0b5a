using System.Globalization;
using System.Text;
using Comity.Data.Contracts;
using Comity.Data.Preprocess;
using Comity.Data.Records;
using Comity.Data.Sources;
using Comity.Declarations;
using Comity.Tensors.Randomness;
using Comity.Testing;

namespace Comity.Data.Tests.Records;

/// <summary>One record at a time gives the bits that the table gives: the table's reader and encoder are the oracle.</summary>
public sealed class RecordEncoderTests
{
    private static readonly string[] Columns = ["dose", "ward", "stage", "smoker", "day", "rate"];

    private static Preprocessing Preprocessing(bool indicator, bool dropFirst) => new()
    {
        TaskName = "binary",
        Classes = ["no", "yes"],
        Contract = new ContractSection
        {
            Label = new LabelSection { Column = "ill", Positive = LabelRule.Parse("1") },
            Missing = ["?"],
            Features =
            [
                new FeatureSection { Column = "dose", Kind = FeatureKind.Number, Range = new ValueRange(0, 50), Missing = ["0"] },
                new FeatureSection { Column = "ward", Kind = FeatureKind.Category },
                new FeatureSection { Column = "stage", Kind = FeatureKind.Ordinal, Values = ["1", "2", "3"] },
                new FeatureSection { Column = "smoker", Kind = FeatureKind.Boolean },
                new FeatureSection { Column = "day", Kind = FeatureKind.Date },
                new FeatureSection { Column = "rate", Kind = FeatureKind.Number },
            ],
        },
        Columns =
        [
            new FittedColumn { Column = "dose", Kind = FeatureKind.Number, Fill = 7.25, Center = 3.1, Scale = 1.7, Low = 1.5, High = 40, Indicator = indicator },
            new FittedColumn { Column = "ward", Kind = FeatureKind.Category, Levels = ["1", "b", "ü, c"], Fill = 2, DropFirst = dropFirst, Indicator = indicator },
            new FittedColumn { Column = "stage", Kind = FeatureKind.Ordinal, Levels = ["1", "2", "3"], Fill = 1, Center = 1.2, Scale = 0.4, Indicator = indicator },
            new FittedColumn { Column = "smoker", Kind = FeatureKind.Boolean, Levels = ["false", "true"], Fill = 0, Indicator = indicator },
            new FittedColumn { Column = "day", Kind = FeatureKind.Date, Parts = [DatePart.Month, DatePart.Weekday, DatePart.Year], Indicator = indicator },
            new FittedColumn { Column = "rate", Kind = FeatureKind.Number, Selected = true, Fill = -1, Center = 0, Scale = 3 },
        ],
    };

    private static readonly string[][] Cells =
    [
        ["", "?", "0", "0.0", "12", "12.50", "49.999", "51", "-3", "1e1", "abc", "1e300", "NaN"],
        ["", "?", "1", "1.0", "b", "ü, c", "z"],
        ["", "1", "2.0", "3", "4"],
        ["", "true", "FALSE", "yes", "0", "maybe"],
        ["", "2024-02-29", "2024-02-29 13:45", "2024-02-29T13:45:00Z", "29.2.2024"],
        ["", "3", "0", "-0.25"],
    ];

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, true)]
    public void A_record_is_encoded_to_the_bits_that_the_table_gives(bool indicator, bool dropFirst)
    {
        // Given 400 records of cells that are right, missing and wrong in every way
        var preprocessing = Preprocessing(indicator, dropFirst);
        var random = Seed.Of(5).ToRandom();
        var records = Enumerable.Range(0, 400).Select(_ => Cells.Select(c => c[random.NextInt32(c.Length)]).ToArray()).ToArray();
        using var folder = new TempFolder();
        folder.Write("records.csv", string.Join(',', Columns) + "\n" + string.Concat(records.Select(r => string.Join(',', r.Select(c => $"\"{c}\"")) + "\n")));
        var problems = new ProblemList();
        var table = preprocessing.LoadRecords(new SourceSection { Csv = "records.csv" }, folder.FullPath, problems)!;
        var expected = preprocessing.Encode(table, [.. Enumerable.Range(0, table.Rows)]).Features;

        // When
        var encoder = new RecordEncoder(preprocessing);
        var encoded = new float[records.Length * encoder.Width];
        for (var r = 0; r < records.Length; r++)
        {
            var row = encoded.AsSpan(r * encoder.Width, encoder.Width);
            for (var f = 0; f < Columns.Length; f++) encoder.Text(f, Encoding.UTF8.GetBytes(records[r][f]), row);
        }

        // Then
        Assert.Equal(preprocessing.InputWidth, encoder.Width);
        Assert.Equal(expected.Select(BitConverter.SingleToInt32Bits), encoded.Select(BitConverter.SingleToInt32Bits));
    }

    [Theory]
    [InlineData("dose", "abc", CellFinding.NotNumber)]
    [InlineData("dose", "1e300", CellFinding.NotFinite)]
    [InlineData("dose", "51", CellFinding.OutOfRange)]
    [InlineData("dose", "0.0", CellFinding.Missing)]
    [InlineData("ward", "z", CellFinding.UnknownValue)]
    [InlineData("ward", "1.0", CellFinding.Present)]
    [InlineData("smoker", "Y", CellFinding.Present)]
    [InlineData("smoker", "maybe", CellFinding.UnknownValue)]
    [InlineData("day", "29.2.2024", CellFinding.NotDate)]
    public void What_is_wrong_with_a_cell_is_told(string column, string text, CellFinding finding)
    {
        var encoder = new RecordEncoder(Preprocessing(false, false));

        Assert.Equal(finding, encoder.Text(encoder.Find(column), Encoding.UTF8.GetBytes(text), new float[encoder.Width]).Finding);
    }

    [Fact]
    public void A_number_in_JSON_is_the_number_in_text()
    {
        var encoder = new RecordEncoder(Preprocessing(true, false));
        foreach (var text in new[] { "0", "12", "49.999", "51", "1e1" })
        {
            var (typed, written) = (new float[encoder.Width], new float[encoder.Width]);
            var utf8 = Encoding.UTF8.GetBytes(text);

            Assert.Equal(encoder.Text(0, utf8, written), encoder.Number(0, double.Parse(text, CultureInfo.InvariantCulture), utf8, typed));
            Assert.Equal(written, typed);
        }
    }

    [Fact]
    public void A_cell_that_is_not_given_is_filled_like_an_empty_one()
    {
        var encoder = new RecordEncoder(Preprocessing(true, false));
        for (var f = 0; f < encoder.Fields.Count; f++)
        {
            var (absent, empty) = (new float[encoder.Width], new float[encoder.Width]);
            encoder.Missing(f, absent);
            encoder.Text(f, [], empty);

            Assert.Equal(empty, absent);
        }
    }

    [Fact]
    public void Columns_are_found_by_name_wherever_they_stand()
    {
        var encoder = new RecordEncoder(Preprocessing(false, false));

        Assert.Equal(3, encoder.Find("smoker"u8, expected: 3));
        Assert.Equal(3, encoder.Find("smoker"u8, expected: 0));
        Assert.Equal(-1, encoder.Find("ill"u8, expected: 0));
    }
}
