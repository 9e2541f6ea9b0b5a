using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Unicode;

namespace Comity.Federation.Audit;

/// <summary>Audit logs in forms that auditors' tools read.</summary>
public static class AuditExport
{
    private static readonly JsonWriterOptions Indented = new() { Indented = true, Encoder = JavaScriptEncoder.Create(UnicodeRanges.All) };

    private static readonly string[] Columns =
        ["sequence", "time", "party", "direction", "kind", "peer", "study", "rule", "repeat", "what", "round", "bytes", "sha256", "mechanism", "epsilon", "delta", "peerSequence", "signed", "signature"];

    /// <summary>The whole log as one JSON object: whose it is, which keys sign it, whether it holds, what was found, and every entry.</summary>
    /// <param name="verdict">The log, judged.</param>
    /// <param name="writer">Takes UTF-8.</param>
    public static void Json(AuditVerdict verdict, Stream writer)
    {
        ArgumentNullException.ThrowIfNull(verdict);
        using var json = new Utf8JsonWriter(writer, Indented);
        json.WriteStartObject();
        json.WriteString("party", verdict.Party);
        json.WriteBoolean("holds", verdict.Holds);
        json.WriteBoolean("closed", verdict.Closed);
        json.WriteStartArray("keys");
        foreach (var key in verdict.Keys) json.WriteStringValue(key);
        json.WriteEndArray();
        json.WriteStartArray("findings");
        foreach (var finding in verdict.Findings)
        {
            json.WriteStartObject();
            json.WriteString("code", finding.Code);
            json.WriteNumber("line", finding.Place.Line);
            json.WriteString("severity", finding.Severity == Declarations.Severity.Error ? "error" : "warning");
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteStartArray("entries");
        foreach (var line in verdict.Lines)
        {
            json.WriteStartObject();
            json.WriteNumber("sequence", line.Sequence);
            json.WriteString("time", Time(line));
            AuditLine.WriteEntry(json, line.Entry);
            json.WriteString("signed", line.Signed);
            json.WriteString("signature", line.Signature);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }

    /// <summary>Entries as comma-separated values (RFC 4180), one line each under a header.</summary>
    public static void Csv(AuditVerdict verdict, TextWriter writer)
    {
        ArgumentNullException.ThrowIfNull(verdict);
        ArgumentNullException.ThrowIfNull(writer);
        var invariant = CultureInfo.InvariantCulture;
        writer.Write(string.Join(',', Columns) + "\r\n");
        foreach (var line in verdict.Lines)
        {
            var e = line.Entry;
            string[] cells =
            [
                line.Sequence.ToString(invariant), Time(line), line.Party, e.Direction switch { AuditDirection.Out => "out", AuditDirection.In => "in", _ => "note" }, e.Kind, e.Peer, e.Study, e.Rule,
                e.Repeat.ToString(invariant), e.What, e.Round.ToString(invariant), e.Bytes.ToString(invariant), e.Sha256,
                e.Charge?.Mechanism ?? "", e.Charge?.Epsilon.ToString("R", invariant) ?? "", e.Charge?.Delta.ToString("R", invariant) ?? "", e.Head?.Sequence.ToString(invariant) ?? "", line.Signed, line.Signature,
            ];
            writer.Write(string.Join(',', cells.Select(Cell)) + "\r\n");
        }
    }

    private static string Time(AuditLine line) => line.Time.ToString(AuditLine.TimeForm, CultureInfo.InvariantCulture);

    // A spreadsheet would take a text that begins like a formula for one (CWE-1236).
    private static string Cell(string text)
    {
        if (text.Length > 0 && text[0] is '=' or '+' or '-' or '@' or '\t' or '\r' && !double.TryParse(text, CultureInfo.InvariantCulture, out _)) text = "'" + text;
        return text.AsSpan().IndexOfAny(",\"\r\n") < 0 ? text : new StringBuilder(text).Replace("\"", "\"\"").Insert(0, '"').Append('"').ToString();
    }
}
