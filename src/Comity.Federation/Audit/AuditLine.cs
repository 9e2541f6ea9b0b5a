using System.Buffers;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Unicode;

namespace Comity.Federation.Audit;

/// <summary>One line of an audit log, as it was read.</summary>
/// <param name="Sequence">Its number, from 1.</param>
/// <param name="Time">When it was written, by the party's clock.</param>
/// <param name="Party">Whose log.</param>
/// <param name="Entry">What it says.</param>
/// <param name="Previous">SHA-256 (hex) of the whole line before; 64 zeros in the first.</param>
/// <param name="Signed">SHA-256 (hex) of what is signed: the line up to, not including, <c>,"signature":</c>; empty where nothing is.</param>
/// <param name="Signature">The signature (hex); empty in a line of something that arrived, which a later line's signature covers.</param>
/// <param name="Sha256">SHA-256 (hex) of the whole line.</param>
public sealed record AuditLine(long Sequence, DateTimeOffset Time, string Party, AuditEntry Entry, string Previous, string Signed, string Signature, string Sha256)
{
    internal const string TimeForm = "yyyy-MM-dd'T'HH:mm:ss.fff'Z'";
    internal static readonly string Genesis = new('0', 64);

    private const int Tail = 14 + 128 + 2; // ,"signature":"…128 hex…"}
    internal static readonly JsonWriterOptions Readable = new() { Encoder = JavaScriptEncoder.Create(UnicodeRanges.All) };

    /// <summary>Whether it has a signature of its own.</summary>
    public bool IsSigned => Signature.Length > 0;

    /// <summary>The head that the line is, if it is signed.</summary>
    public AuditHead Head => new(Sequence, Signed, Signature);

    /// <summary>Reads a line (without its newline); null: it is none.</summary>
    public static AuditLine? Read(ReadOnlySpan<byte> line)
    {
        var isSigned = line.Length > Tail && line[^Tail..].StartsWith(",\"signature\":\""u8) && line[^2..].SequenceEqual("\"}"u8);
        var signature = isSigned ? System.Text.Encoding.ASCII.GetString(line[^(Tail - 14)..^2]) : "";
        try
        {
            using var json = JsonDocument.Parse(line.ToArray());
            var root = json.RootElement;
            if (!isSigned && (root.TryGetProperty("signature", out _) || Text(root, "direction") != "in")) return null;
            var time = DateTimeOffset.ParseExact(Text(root, "time"), TimeForm, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal);
            return new(root.GetProperty("sequence").GetInt64(), time, Text(root, "party"), EntryOf(root), Text(root, "previous"), isSigned ? AuditKey.Sha256(line[..^Tail]) : "", signature, AuditKey.Sha256(line));
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException or ArgumentException)
        {
            return null;
        }
    }

    /// <summary>Writes a line up to its signature into a buffer.</summary>
    /// <param name="json">Writes into the buffer; given so that a log need not make one for each line.</param>
    /// <param name="sequence">Its number.</param>
    /// <param name="time">When.</param>
    /// <param name="party">Whose log.</param>
    /// <param name="entry">What it says.</param>
    /// <param name="previous">Hash of the line before, hex in ASCII.</param>
    internal static void WriteBody(Utf8JsonWriter json, long sequence, DateTimeOffset time, string party, AuditEntry entry, ReadOnlySpan<byte> previous)
    {
        Span<byte> clock = stackalloc byte[24];
        time.TryFormat(clock, out var length, TimeForm, CultureInfo.InvariantCulture);
        json.WriteStartObject();
        json.WriteNumber("sequence", sequence);
        json.WriteString("time", clock[..length]);
        json.WriteString("party", party);
        WriteEntry(json, entry);
        json.WriteString("previous", previous);
        json.Flush(); // the object stays open: the signature follows
    }

    /// <summary>Adds the signature to a line's body.</summary>
    /// <param name="buffer">Holds the body.</param>
    /// <param name="signature">Hex in ASCII.</param>
    internal static void WriteSignature(IBufferWriter<byte> buffer, ReadOnlySpan<byte> signature)
    {
        buffer.Write(",\"signature\":\""u8);
        buffer.Write(signature);
        buffer.Write("\""u8);
    }

    /// <summary>Ends a line, newline and all.</summary>
    internal static void WriteEnd(IBufferWriter<byte> buffer) => buffer.Write("}\n"u8);

    internal static void WriteEntry(Utf8JsonWriter json, AuditEntry entry)
    {
        json.WriteString("direction", entry.Direction switch { AuditDirection.Out => "out", AuditDirection.In => "in", _ => "note" });
        json.WriteString("kind", entry.Kind);
        if (entry.Key is { } key) json.WriteString("key", key);
        if (entry.Direction != AuditDirection.Note)
        {
            json.WriteString("peer", entry.Peer);
            json.WriteString("study", entry.Study);
            json.WriteString("rule", entry.Rule);
            json.WriteNumber("repeat", entry.Repeat);
            json.WriteString("what", entry.What);
            json.WriteNumber("round", entry.Round);
            json.WriteNumber("bytes", entry.Bytes);
            json.WriteString("sha256", entry.Sha256);
        }
        if (entry.Charge is { } charge)
        {
            json.WriteStartObject("charge");
            json.WriteString("mechanism", charge.Mechanism);
            json.WriteNumber("epsilon", charge.Epsilon);
            json.WriteNumber("delta", charge.Delta);
            json.WriteEndObject();
        }
        if (entry.Ledger is { } ledger)
        {
            json.WriteStartObject("ledger");
            json.WriteNumber("charges", ledger.Charges);
            json.WriteString("sha256", ledger.Sha256);
            json.WriteEndObject();
        }
        if (entry.Head is not { } head) return;
        json.WriteStartObject("head");
        json.WriteNumber("sequence", head.Sequence);
        json.WriteString("sha256", head.Sha256);
        json.WriteString("signature", head.Signature);
        json.WriteEndObject();
    }

    private static AuditEntry EntryOf(JsonElement root) => new()
    {
        Direction = Text(root, "direction") switch { "out" => AuditDirection.Out, "in" => AuditDirection.In, "note" => AuditDirection.Note, var other => throw new FormatException($"'{other}' is no direction.") },
        Kind = Text(root, "kind"),
        Key = root.TryGetProperty("key", out var key) ? key.GetString() : null,
        Peer = TextOr(root, "peer"), Study = TextOr(root, "study"), Rule = TextOr(root, "rule"), What = TextOr(root, "what"), Sha256 = TextOr(root, "sha256"),
        Repeat = root.TryGetProperty("repeat", out var repeat) ? repeat.GetInt32() : 0,
        Round = root.TryGetProperty("round", out var round) ? round.GetInt32() : 0,
        Bytes = root.TryGetProperty("bytes", out var bytes) ? bytes.GetInt64() : 0,
        Charge = root.TryGetProperty("charge", out var charge) ? new(Text(charge, "mechanism"), charge.GetProperty("epsilon").GetDouble(), charge.GetProperty("delta").GetDouble()) : null,
        Ledger = root.TryGetProperty("ledger", out var ledger) ? new(ledger.GetProperty("charges").GetInt64(), Text(ledger, "sha256")) : null,
        Head = root.TryGetProperty("head", out var head) ? new(head.GetProperty("sequence").GetInt64(), Text(head, "sha256"), Text(head, "signature")) : null,
    };

    private static string Text(JsonElement of, string name) => of.GetProperty(name).GetString() ?? throw new FormatException($"'{name}' is null.");

    private static string TextOr(JsonElement of, string name) => of.TryGetProperty(name, out var value) ? value.GetString() ?? "" : "";
}
