using System.Text;
using Comity.Data.Contracts;
using Comity.Data.Preprocess;
using Comity.Data.Texts;

namespace Comity.Data.Records;

/// <summary>A text: the numbers of its characters or words, as in the table's encoder. What does not fit into the row is cut off.</summary>
internal sealed class TextCell(FittedColumn column, string[] missing, int at) : CellEncoder(column, missing, at)
{
    private readonly CharacterVocabulary _vocabulary = new(column.Levels);
    private readonly WordBuckets? _words = column.Buckets > 0 ? new WordBuckets(column.Buckets) : null;

    public override EncodedCell Number(double value, ReadOnlySpan<byte> text, Span<float> row) => Text(text, row);

    public override EncodedCell Text(ReadOnlySpan<byte> text, Span<float> row)
    {
        if (IsMissing(text)) return Absent(CellFinding.Missing, row);
        Write(Encoding.UTF8.GetString(text), row);
        return new EncodedCell(CellFinding.Present, double.NaN);
    }

    public override void Fill(Span<float> row) => Write("", row);

    private void Write(string text, Span<float> row)
    {
        var to = row.Slice(At, Column.BlockLength);
        _ = _words?.Encode(text, to) ?? _vocabulary.Encode(text, to);
    }
}

/// <summary>A file, such as an image or a recording, as base64 (alone, or behind <c>data:…;base64,</c>): decoded and scaled as in the table's encoder.</summary>
internal sealed class ContentCell(FeatureSection feature, FittedColumn column, string[] missing, int at) : CellEncoder(column, missing, at)
{
    private const int LongestScheme = 100;

    public override EncodedCell Number(double value, ReadOnlySpan<byte> text, Span<float> row) => Absent(CellFinding.NotContent, row);

    public override EncodedCell Text(ReadOnlySpan<byte> text, Span<float> row)
    {
        if (IsMissing(text)) return Absent(CellFinding.Missing, row);
        if (text.StartsWith("data:"u8) && text[..Math.Min(LongestScheme, text.Length)].IndexOf((byte)',') is > 0 and var comma) text = text[(comma + 1)..];
        var file = new byte[System.Buffers.Text.Base64.GetMaxDecodedFromUtf8Length(text.Length)];
        if (System.Buffers.Text.Base64.DecodeFromUtf8(text, file, out _, out var length) != System.Buffers.OperationStatus.Done) return Absent(CellFinding.NotContent, row);
        if (RowEncoder.Content(feature, file.AsSpan(0, length)) is not { } grid) return Absent(CellFinding.NotContent, row);
        RowEncoder.Grid(Column, grid, 0, row.Slice(At, grid.Length));
        return new EncodedCell(CellFinding.Present, double.NaN);
    }

    // Zero is the mean of what is standardised.
    public override void Fill(Span<float> row) => row.Slice(At, Column.InputCount).Clear();
}
