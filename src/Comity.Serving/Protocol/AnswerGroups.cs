using System.Globalization;
using System.Text;
using Comity.Data.Contracts;
using Comity.Data.Records;

namespace Comity.Serving.Protocol;

/// <summary>Which groups a record belongs to, as its answer's id carries them.</summary>
internal static class AnswerGroups
{
    private const byte Separator = 0x1f;

    /// <summary>Writes a record's groups in UTF-8, one after another.</summary>
    /// <returns>How many bytes; 0: they don't fit, or are not known.</returns>
    public static int Write(Exchange exchange, AnswerTexts texts, int row, Span<byte> to)
    {
        var at = 0;
        for (var g = 0; g < texts.Groups.Length; g++)
        {
            var (section, field) = texts.Groups[g];
            if (g > 0) to[at++] = Separator;
            var text = "";
            if (field < 0)
            {
                if (exchange.ExtraOf(row, section.Column) is { } value) text = section.Cuts.Count > 0 ? Interval(section, value) : value;
            }
            else if (exchange.CellsOf(row)[field] is { Finding: CellFinding.Present } cell)
            {
                var levels = exchange.Model.Records!.Fields[field].Levels;
                text = levels.Count > 0 ? levels[(int)cell.Value] : Interval(section, cell.Value);
            }
            if (Encoding.UTF8.GetByteCount(text) > to.Length - at - texts.Groups.Length) return 0;
            at += Encoding.UTF8.GetBytes(text, to[at..]);
        }
        return at;
    }

    private static string Interval(SensitiveSection section, string value) =>
        double.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? Interval(section, number) : "";

    // The same names as in the study's results.
    private static string Interval(SensitiveSection section, double value)
    {
        if (section.Cuts.Count == 0 || double.IsNaN(value)) return "";
        var at = section.Cuts.Count(cut => value >= cut);
        string Text(int i) => section.Cuts[i].ToString("R", CultureInfo.InvariantCulture);
        return at == 0 ? $"< {Text(0)}" : at == section.Cuts.Count ? $"≥ {Text(at - 1)}" : $"{Text(at - 1)} – < {Text(at)}";
    }
}
