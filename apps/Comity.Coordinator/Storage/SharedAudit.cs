using System.Globalization;
using System.Text;

namespace Comity.Coordinator.Storage;

/// <summary>The coordinator's audit log in PostgreSQL: one chain, whoever leads. The file in a folder is a copy of it.</summary>
/// <remarks>
/// <code>
/// write   a line into the file, then into the store (refused where another leads), then the thing is handed on
/// lead    file    1 2 3 4              what the store has beyond it is added to the file
///         store   1 2 3 4 5 6
///         file    1 2 3 4'5'           where they part, the store's lines stand; the file's are set aside: its writer was displaced before it kept them
///         store   1 2 3 4 5 6
///         file    1 2 3 4 5            what the file has beyond the store is added to the store
///         store   1 2 3
/// </code>
/// The file parts from the store, too, where it is from a version that kept a log for each replica, or the store was restored from an older dump and led from elsewhere: what is set aside is evidence then.
/// Each line names the one before it by its hash, so two logs that have the same line have the same lines before it.
/// </remarks>
internal sealed class SharedAudit
{
    private const int PageLines = 4096;
    private const int PieceBytes = 4 << 20;

    private readonly Lock _gate = new();
    private readonly PostgresDatabase _rows;
    private readonly string _file;
    private long _lines;
    private long _position;

    private SharedAudit(PostgresDatabase rows, string file, long lines, long position) => (_rows, _file, _lines, _position) = (rows, file, lines, position);

    /// <summary>Brings a folder's copy up to what the store has. The log may be opened afterwards.</summary>
    /// <param name="store">The store, which this process leads.</param>
    /// <param name="file">The copy; made where it is missing.</param>
    /// <param name="log">Hears of lines that were set aside.</param>
    /// <exception cref="StoreUnavailableException">The database does not answer.</exception>
    public static SharedAudit Take(PostgresStore store, string file, ILogger log)
    {
        var rows = new PostgresDatabase(store, null, patient: false);
        var ends = Ends(file);
        var kept = rows.Read("SELECT coalesce(max(sequence), 0) FROM audit", r => r.GetInt64(0))[0];
        var common = Common(rows, file, ends, Math.Min(ends.Count, kept));
        var position = common == 0 ? 0 : ends[(int)common - 1];
        if (common == kept) return new(rows, file, common, position);
        if (common < ends.Count)
        {
            var aside = Path.ChangeExtension(file, string.Create(CultureInfo.InvariantCulture, $".before-epoch-{store.Epoch}.jsonl"));
            using (var copy = Private(aside)) copy.Write(Bytes(file, position, ends[^1]));
            Hosting.LogLines.AuditParted(log, common + 1, Path.GetFileName(aside));
        }
        using var to = Private(file);
        to.SetLength(position);
        to.Position = position;
        for (var taken = common; taken < kept;)
        {
            // Page by page: what is read again after a lost line must not be written twice.
            var page = rows.Read($"SELECT line FROM audit WHERE sequence > @a ORDER BY sequence LIMIT {PageLines}", r => r.GetString(0), taken);
            if (page.Count == 0) throw new InvalidDataException($"The audit log in the store ends at line {taken} of {kept}.");
            foreach (var line in page) to.Write(Encoding.UTF8.GetBytes(line + "\n"));
            taken += page.Count;
        }
        to.Flush(flushToDisk: true);
        return new(rows, file, kept, to.Position);
    }

    /// <summary>Brings the lines that were written since into the store. Those who wait together pay for one transaction.</summary>
    /// <exception cref="StaleEpochException">Another has taken over: nothing of what they say may be handed on.</exception>
    /// <exception cref="StoreUnavailableException">The database does not answer; the caller may call again.</exception>
    public void Keep()
    {
        lock (_gate)
        {
            while (true)
            {
                var written = Bytes(_file, _position, _position + PieceBytes).AsSpan();
                written = written[..(written.LastIndexOf((byte)'\n') + 1)];
                if (written.IsEmpty) return;
                var lines = Encoding.UTF8.GetString(written[..^1]).Split('\n');
                // A transaction whose end was not heard is made again.
                _rows.Write("INSERT INTO audit SELECT * FROM unnest(@a, @b) ON CONFLICT DO NOTHING", Enumerable.Range(1, lines.Length).Select(i => _lines + i).ToArray(), lines);
                _lines += lines.Length;
                _position += written.Length;
            }
        }
    }

    // How many of the first lines are the same on both sides.
    private static long Common(PostgresDatabase rows, string file, List<long> ends, long most)
    {
        bool Same(long sequence)
        {
            var (start, end) = (sequence == 1 ? 0 : ends[(int)sequence - 2], ends[(int)sequence - 1]);
            return rows.Read("SELECT line FROM audit WHERE sequence = @a", r => r.GetString(0), sequence) is [var line] && Encoding.UTF8.GetBytes(line + "\n").AsSpan().SequenceEqual(Bytes(file, start, end));
        }
        if (most == 0 || Same(most)) return most;
        var (same, other) = (0L, most);
        while (other - same > 1)
        {
            var middle = same + ((other - same) / 2);
            if (Same(middle)) same = middle;
            else other = middle;
        }
        return same;
    }

    // Where each whole line ends; a torn one is none.
    private static List<long> Ends(string file)
    {
        var ends = new List<long>();
        if (!File.Exists(file)) return ends;
        using var stream = Reading(file);
        var buffer = new byte[1 << 16];
        var at = 0L;
        for (int read; (read = stream.Read(buffer)) > 0; at += read)
        {
            for (var i = 0; i < read; i++)
            {
                if (buffer[i] == '\n') ends.Add(at + i + 1);
            }
        }
        return ends;
    }

    private static byte[] Bytes(string file, long start, long end)
    {
        using var stream = Reading(file);
        var bytes = new byte[Math.Max(0, Math.Min(end, stream.Length) - start)];
        stream.Position = start;
        stream.ReadExactly(bytes);
        return bytes;
    }

    private static FileStream Reading(string file) => new(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);

    // What left and when is nobody else's business.
    private static FileStream Private(string file)
    {
        var options = new FileStreamOptions { Mode = FileMode.OpenOrCreate, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        return new(file, options);
    }
}
