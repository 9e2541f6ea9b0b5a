using Comity.Data.Contracts;
using Comity.Data.Shared;
using Comity.Data.Tables;
using Comity.Data.Texts;

namespace Comity.Data.Preprocess;

/// <summary>Writes columns into a row-major matrix, column by column.</summary>
internal static class RowEncoder
{
    private const double YearsPerUnit = 10;

    public static EncodedRows Encode(Preprocessing preprocessing, RecordTable table, ReadOnlySpan<int> rows)
    {
        if (table.Windows is { } windows) return WindowEncoder.Encode(preprocessing, table, windows, rows);
        var (labels, sourceRows) = (new float[table.LabelValues.Length == 0 ? 0 : rows.Length], new int[rows.Length]);
        for (var i = 0; i < rows.Length; i++)
        {
            if (labels.Length > 0) labels[i] = table.LabelValues[rows[i]];
            sourceRows[i] = table.SourceRowNumbers[rows[i]];
        }
        return new EncodedRows(Features(preprocessing, table, rows), labels, sourceRows);
    }

    /// <summary>The features of rows, or of steps, shape [rows, width].</summary>
    public static float[] Features(Preprocessing preprocessing, RecordTable table, ReadOnlySpan<int> rows)
    {
        var width = preprocessing.StepWidth;
        var features = new float[checked(rows.Length * width)];
        var at = 0;
        foreach (var column in preprocessing.Columns)
        {
            if (!column.Selected) continue;
            switch (table[column.Column])
            {
                case NumberColumn numbers:
                    Numbers(column, numbers.Values, rows, features, at, width);
                    break;
                case LevelColumn levels:
                    Levels(column, levels, rows, features, at, width);
                    break;
                case GridColumn grid:
                    Grid(column, grid, rows, features, at, width);
                    break;
                case TextColumn texts:
                    Tokens(column, texts, rows, features, at, width);
                    if (column.Tags.Count > 0 && table.Has(preprocessing.Contract.Label.Column)) Tags(column, (TextColumn)table[preprocessing.Contract.Label.Column], rows, features, at + column.BlockLength, width);
                    break;
                case DateColumn dates:
                    Dates(column, dates, rows, features, at, width);
                    break;
            }
            at += column.InputCount;
        }
        return features;
    }

    private static void Numbers(FittedColumn column, ReadOnlySpan<float> values, ReadOnlySpan<int> rows, Span<float> features, int at, int width)
    {
        foreach (var row in rows)
        {
            var missing = float.IsNaN(values[row]);
            var value = missing ? column.Fill : values[row];
            if (value < column.Low) value = column.Low.Value;
            if (value > column.High) value = column.High.Value;
            features[at] = (float)((value - column.Center) / column.Scale);
            if (column.Indicator) features[at + 1] = missing ? 1 : 0;
            at += width;
        }
    }

    private static void Levels(FittedColumn column, LevelColumn values, ReadOnlySpan<int> rows, Span<float> features, int at, int width)
    {
        var agreed = AssociationCounts.AgreedCodes(values, column.Levels, out var levels);
        var first = column.DropFirst ? 1 : 0;
        var indicator = at + (column.Kind == FeatureKind.Category ? levels - first : 1);
        foreach (var row in rows)
        {
            // A value that no training row had counts as missing, here as in inference.
            var code = values.Codes[row] < 0 ? -1 : agreed[values.Codes[row]];
            var value = code < 0 ? column.Fill : code;
            if (column.Kind != FeatureKind.Category) features[at] = (float)((value - column.Center) / column.Scale);
            else if (value >= first && levels > 0) features[at + (int)value - first] = 1;
            if (column.Indicator) features[indicator] = code < 0 ? 1 : 0;
            at += width;
            indicator += width;
        }
    }

    private static void Grid(FittedColumn column, GridColumn grid, ReadOnlySpan<int> rows, Span<float> features, int at, int width)
    {
        foreach (var row in rows)
        {
            var to = features.Slice(at, grid.Length);
            at += width;
            if (!grid.IsMissing(row)) Grid(column, grid, row, to); // zero is the mean of what is standardised
        }
    }

    /// <summary>One record of a grid, scaled.</summary>
    internal static void Grid(FittedColumn column, GridColumn grid, int row, Span<float> to)
    {
        grid.Read(row, to);
        for (var block = 0; block < grid.Blocks; block++)
        {
            var (center, scale) = ((float)column.Centers[block], (float)(1 / column.Scales[block]));
            foreach (ref var value in to.Slice(block * grid.BlockLength, grid.BlockLength)) value = (value - center) * scale;
        }
    }

    /// <summary>One file as a column of one record, such as the table's reader makes it; null: it can't be decoded.</summary>
    internal static GridColumn? Content(FeatureSection feature, ReadOnlySpan<byte> file)
    {
        var problems = new CellProblems(showValues: false, lenient: true);
        ContentReader reader = feature.Kind == FeatureKind.Image ? new Images.ImageReader(feature, new Cleaning.CleanSection(), problems) : new Audio.SoundReader(feature, new Cleaning.CleanSection(), problems);
        reader.Add(file, default);
        return reader.Build() is GridColumn grid && !grid.IsMissing(0) ? grid : null;
    }

    private static void Tokens(FittedColumn column, TextColumn texts, ReadOnlySpan<int> rows, Span<float> features, int at, int width)
    {
        if (column.Buckets > 0)
        {
            var buckets = new WordBuckets(column.Buckets);
            foreach (var row in rows)
            {
                buckets.Encode(texts.Values[row] ?? "", features.Slice(at, column.BlockLength));
                at += width;
            }
            return;
        }
        var vocabulary = new CharacterVocabulary(column.Levels);
        foreach (var row in rows)
        {
            vocabulary.Encode(texts.Values[row] ?? "", features.Slice(at, column.BlockLength));
            at += width;
        }
    }

    private static void Tags(FittedColumn column, TextColumn tags, ReadOnlySpan<int> rows, Span<float> features, int at, int width)
    {
        foreach (var row in rows)
        {
            WordBuckets.EncodeTags(tags.Values[row], column.Tags, features.Slice(at, column.BlockLength));
            at += width;
        }
    }

    private static void Dates(FittedColumn column, DateColumn values, ReadOnlySpan<int> rows, Span<float> features, int at, int width)
    {
        foreach (var row in rows)
        {
            Date(column, values.IsMissing(row) ? null : new DateTime(values.Ticks[row]), features[at..]);
            at += width;
        }
    }

    /// <summary>The parts of one date, from the first float of <paramref name="features"/> on.</summary>
    internal static void Date(FittedColumn column, DateTime? date, Span<float> features)
    {
        var to = 0;
        foreach (var part in column.Parts)
        {
            // A missing date is the centre of the circle: no month is nearer to it than another.
            if (part == DatePart.Year)
            {
                features[to++] = date is { } known ? (float)((Year(known) - 2000) / YearsPerUnit) : 0;
                continue;
            }
            var turn = date is { } day ? 2 * Math.PI * Turn(part, day) : 0;
            features[to++] = date is null ? 0 : (float)Math.Sin(turn);
            features[to++] = date is null ? 0 : (float)Math.Cos(turn);
        }
        if (column.Indicator) features[to] = date is null ? 1 : 0;
    }

    private static double Turn(DatePart part, DateTime date) => part switch
    {
        DatePart.Month => (date.Month - 1) / 12.0,
        DatePart.Weekday => ((int)date.DayOfWeek + 6) % 7 / 7.0, // Monday 0
        DatePart.Hour => date.TimeOfDay.TotalHours / 24,
        _ => (date.DayOfYear - 1 + date.TimeOfDay.TotalDays) / DaysIn(date.Year),
    };

    private static double Year(DateTime date) => date.Year + (date.DayOfYear - 1 + date.TimeOfDay.TotalDays) / DaysIn(date.Year);

    private static double DaysIn(int year) => DateTime.IsLeapYear(year) ? 366 : 365;
}
