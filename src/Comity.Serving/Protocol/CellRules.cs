using Comity.Data.Records;

namespace Comity.Serving.Protocol;

/// <summary>How the row of a cell is called in an error; the text is made only where there is one.</summary>
/// <param name="Row">The row; −1: the only one.</param>
/// <param name="Tensor">Whether rows came as tensors.</param>
internal readonly record struct RowName(int Row, bool Tensor)
{
    public override string ToString() => Row < 0 ? "" : Tensor ? $"row {Row}: " : $"records[{Row}].";
}

/// <summary>Which cells make a request wrong. What is missing or out of range is answered, and said with the answer.</summary>
internal static class CellRules
{
    public static void Check(Exchange exchange, int field, EncodedCell cell, RowName at, bool unseenIsMissing)
    {
        if (cell.Finding is CellFinding.Present or CellFinding.Missing or CellFinding.OutOfRange) return;
        var of = exchange.Model.Records!.Fields[field];
        switch (cell.Finding)
        {
            case CellFinding.NotNumber:
                exchange.Add("value-not-number", at + of.Column, of.Column, of.Range?.ToString() ?? "–", of.Unit ?? "–");
                break;
            case CellFinding.NotFinite:
                exchange.Add("value-not-finite", at + of.Column, of.Column);
                break;
            case CellFinding.NotDate:
                exchange.Add("value-not-date", at + of.Column, of.Column, of.Format ?? "yyyy-MM-dd");
                break;
            case CellFinding.NotContent:
                exchange.Add("value-not-content", at + of.Column, of.Column, of.Kind == Data.Contracts.FeatureKind.Image ? "PNG" : "WAV");
                break;
            case CellFinding.UnknownValue when !unseenIsMissing:
                exchange.Version.Drift?.Refused(field);
                exchange.Add("value-unseen", at + of.Column, of.Column, string.Join(", ", of.Levels.Take(40)));
                break;
        }
    }
}
