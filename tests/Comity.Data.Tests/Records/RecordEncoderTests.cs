using System.Globalization;
using System.Text;
using Comity.Data.Audio;
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

    [Fact]
    public void A_text_is_encoded_to_the_bits_that_the_table_gives()
    {
        var preprocessing = new Preprocessing
        {
            TaskName = "binary",
            Classes = ["no", "yes"],
            Contract = new ContractSection { Label = new LabelSection { Column = "good", Positive = LabelRule.Parse("1") }, Missing = ["?"], Features = [new FeatureSection { Column = "text", Kind = FeatureKind.Text, Tokens = 8 }] },
            Columns = [new FittedColumn { Column = "text", Kind = FeatureKind.Text, Levels = [" ", "a", "b", "ü", "中"], BlockLength = 9 }],
        };
        string[] texts = ["", "?", "ab ü", "中中中 ab ab ab", "z", "A"];

        Same(preprocessing, new SourceSection { Csv = "records.csv" }, folder => folder.Write("records.csv", "text\n" + string.Concat(texts.Select(t => $"\"{t}\"\n"))), [.. texts.Select(Encoding.UTF8.GetBytes)]);
    }

    // A grey PNG of 3 by 2, and 40 samples of a mono WAV at 8 kHz.
    [Theory]
    [InlineData(FeatureKind.Image, "a.png", "iVBORw0KGgoAAAANSUhEUgAAAAMAAAACCAAAAAC4HznGAAAAEElEQVR4nGNgkLNh0HBLAQADUAEtlEKLvQAAAABJRU5ErkJggg==")]
    [InlineData(FeatureKind.Audio, "a.wav", "UklGRnQAAABXQVZFZm10IBAAAAABAAEAQB8AAIA+AAACABAAZGF0YVAAAAAk+rP9QgHRBKj8NwDGA537LP+7ApL6If6wAT8FFv2lADQEC/ya/ykDAPuP/h4CrQWE/RMBogR5/AgAlwNu+/3+jAJj+vL9gQEQBef8dgAFBA==")]
    public void A_file_in_base64_is_encoded_to_the_bits_that_the_table_gives(FeatureKind kind, string name, string base64)
    {
        var image = kind == FeatureKind.Image;
        var preprocessing = new Preprocessing
        {
            TaskName = "binary",
            Classes = ["no", "yes"],
            Contract = new ContractSection
            {
                Label = new LabelSection { Column = "good", Positive = LabelRule.Parse("1") },
                Features = [image ? new FeatureSection { Column = "file", Kind = kind, Height = 2, Width = 3 } : new FeatureSection { Column = "file", Kind = kind, Rate = 8000, Seconds = 0.005, Spectrum = new SpectrumSection { Form = SpectrumForm.Waveform } }],
            },
            Columns = [new FittedColumn { Column = "file", Kind = kind, Centers = [0.3], Scales = [0.25], BlockLength = image ? 6 : 40 }],
        };

        Same(preprocessing, new SourceSection { Files = "files" }, folder =>
        {
            Directory.CreateDirectory(folder.At("files"));
            File.WriteAllBytes(folder.At("files", name), Convert.FromBase64String(base64));
        }, [Encoding.UTF8.GetBytes(base64)], [Encoding.UTF8.GetBytes($"data:image/png;base64,{base64}")]);

        var encoder = new RecordEncoder(preprocessing);
        var row = new float[encoder.Width];
        foreach (var wrong in new[] { "no base64!", base64[4..], "AAAA" }) Assert.Equal(CellFinding.NotContent, encoder.Text(0, Encoding.UTF8.GetBytes(wrong), row).Finding);
        Assert.Equal(CellFinding.NotContent, encoder.Number(0, 1, "1"u8, row).Finding);
        Assert.Equal(CellFinding.Missing, encoder.Text(0, [], row).Finding);
        Assert.All(row, v => Assert.Equal(0, v));
    }

    private static void Same(Preprocessing preprocessing, SourceSection source, Action<TempFolder> write, params byte[][][] spellings)
    {
        using var folder = new TempFolder();
        write(folder);
        var problems = new ProblemList();
        var table = preprocessing.LoadRecords(source, folder.FullPath, problems)!;
        Assert.False(problems.HasErrors, string.Join(' ', problems));
        var expected = preprocessing.Encode(table, [.. Enumerable.Range(0, table.Rows)]).Features;
        var encoder = new RecordEncoder(preprocessing);
        Assert.Equal(preprocessing.InputWidth, encoder.Width);
        foreach (var cells in spellings)
        {
            var encoded = new float[cells.Length * encoder.Width];
            for (var r = 0; r < cells.Length; r++) encoder.Text(0, cells[r], encoded.AsSpan(r * encoder.Width, encoder.Width));
            Assert.Equal(expected, encoded);
        }
    }
}
