using System.Text;
using Comity.Data.Contracts;
using Comity.Data.Preprocess;
using Comity.Data.Tables;

namespace Comity.Data.Records;

/// <summary>A date: its parts as in the table's encoder.</summary>
internal sealed class DateCell(FeatureSection feature, FittedColumn column, string[] missing, int at) : CellEncoder(column, missing, at)
{
    private readonly DateForms _forms = new(feature.Format);

    public override EncodedCell Number(double value, ReadOnlySpan<byte> text, Span<float> row) => Text(text, row);

    public override EncodedCell Text(ReadOnlySpan<byte> text, Span<float> row)
    {
        if (IsMissing(text)) return Absent(CellFinding.Missing, row);
        if (!_forms.TryRead(Encoding.UTF8.GetString(text), out var date)) return Absent(CellFinding.NotDate, row);
        RowEncoder.Date(Column, date, row[At..]);
        return new EncodedCell(CellFinding.Present, date.Ticks);
    }

    public override void Fill(Span<float> row) => RowEncoder.Date(Column, null, row[At..]);
}
