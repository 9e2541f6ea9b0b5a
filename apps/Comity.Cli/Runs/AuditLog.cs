using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Comity.Cli.Runs;

/// <summary>
/// <c>audit.jsonl</c>: one line for each thing that left a site (what, for whom, how large, its digest; never the thing itself). Each
/// line carries the hash of the one before it, so a line can't be changed or removed unseen.
/// </summary>
/// <remarks>
/// <c>hash</c> is the SHA-256 (hex) of the line's bytes up to, not including, <c>,"hash":…}</c>. The line is written before the thing is
/// handed on. A run that was killed may have torn the last line: it is cut off when the log is opened again, as what it announced never left.
/// </remarks>
internal sealed class AuditLog : IDisposable
{
    private const string HashKey = ",\"hash\":\"";
    private const int HashTail = 9 + 64 + 2; // ,"hash":"…64 hex…"}
    private static readonly string Genesis = new('0', 64);

    private readonly Lock _gate = new();
    private readonly FileStream _stream;
    private readonly TimeProvider _time;
    private string _previous;
    private long _sequence;

    public AuditLog(string path, TimeProvider time)
    {
        _time = time;
        _stream = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read, 1 << 14);
        var (whole, length) = ReadChain(_stream);
        _stream.SetLength(length);
        _stream.Position = length;
        (_sequence, _previous) = whole;
    }

    /// <summary>Whether nothing has been logged yet.</summary>
    public bool IsNew => _sequence == 0;

    /// <summary>Writes down that something leaves a site.</summary>
    public void Write(AuditEntry entry)
    {
        lock (_gate)
        {
            var body = Body(entry, _sequence + 1, _time.GetUtcNow(), _previous);
            var hash = Convert.ToHexStringLower(SHA256.HashData(body));
            _stream.Write(body);
            _stream.Write(Encoding.ASCII.GetBytes($"{HashKey}{hash}\"}}\n"));
            _stream.Flush(); // survives the death of the process
            (_previous, _sequence) = (hash, _sequence + 1);
        }
    }

    /// <summary>Checks a log's chain.</summary>
    /// <returns>Number of entries; null when a line was changed, removed or torn.</returns>
    public static long? Verify(string path)
    {
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        var ((sequence, _), length) = ReadChain(stream);
        return length == stream.Length ? sequence : null;
    }

    public void Dispose()
    {
        _stream.Flush(flushToDisk: true);
        _stream.Dispose();
    }

    private static byte[] Body(AuditEntry entry, long sequence, DateTimeOffset time, string previous)
    {
        using var memory = new MemoryStream(256);
        using (var json = new Utf8JsonWriter(memory))
        {
            json.WriteStartObject();
            json.WriteNumber("sequence", sequence);
            json.WriteString("time", time.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture));
            json.WriteString("site", entry.Site);
            json.WriteString("kind", entry.Kind);
            json.WriteString("to", entry.To);
            json.WriteNumber("repeat", entry.Repeat);
            json.WriteString("what", entry.What);
            json.WriteNumber("round", entry.Round);
            json.WriteNumber("bytes", entry.Bytes);
            json.WriteString("sha256", entry.Sha256);
            json.WriteString("previous", previous);
            json.WriteEndObject();
        }
        return memory.ToArray()[..^1]; // the closing brace comes after the hash
    }

    private static ((long Sequence, string Hash) Last, long Length) ReadChain(Stream stream)
    {
        using var reader = new StreamReader(stream, new UTF8Encoding(false), false, 1 << 14, leaveOpen: true);
        var (sequence, previous, length) = (0L, Genesis, 0L);
        var text = reader.ReadToEnd();
        for (var start = 0; ;)
        {
            var end = text.IndexOf('\n', start);
            if (end < 0) break;
            var line = text[start..end];
            if (line.Length <= HashTail || !line[^HashTail..].StartsWith(HashKey, StringComparison.Ordinal)) break;
            var body = line[..^HashTail];
            var hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(body)));
            if (!line.EndsWith(hash + "\"}", StringComparison.Ordinal)) break;
            if (!body.EndsWith($"\"previous\":\"{previous}\"", StringComparison.Ordinal)) break;
            (sequence, previous, start) = (sequence + 1, hash, end + 1);
            length += Encoding.UTF8.GetByteCount(line) + 1;
        }
        return ((sequence, previous), length);
    }
}

/// <summary>Something that leaves a site.</summary>
/// <param name="Site">Whose.</param>
/// <param name="Kind"><c>statistics</c>, <c>update</c>, <c>model</c> (trained by the site alone), <c>evaluation</c>, <c>comparison</c>, <c>predictions</c>, <c>records</c>.</param>
/// <param name="To">Who receives it.</param>
/// <param name="Repeat">Repeat, from 0.</param>
/// <param name="What">The model's id or the statistics' step.</param>
/// <param name="Round">Round; 0 outside a federation.</param>
/// <param name="Bytes">Size.</param>
/// <param name="Sha256">SHA-256 (hex) of the bytes.</param>
internal sealed record AuditEntry(string Site, string Kind, string To, int Repeat, string What, int Round, long Bytes, string Sha256);
