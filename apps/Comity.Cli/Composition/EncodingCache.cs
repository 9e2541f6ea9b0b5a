using System.Runtime.CompilerServices;
using Comity.Federation.Sites;

namespace Comity.Cli.Composition;

/// <summary>Keeps encoded rows for as long as they fit, the least recently used giving way: parallel trials share them, and many repeats don't pile up.</summary>
internal sealed class EncodingCache(long capacityBytes)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<(string Site, int Repeat, string Agreed), Entry> _entries = [];
    private readonly ConditionalWeakTable<Statistics, string> _digests = [];
    private long _bytes;
    private long _clock;

    /// <summary>The rows of a site in a repeat, encoded with the statistics agreed; <paramref name="encode"/> runs once even if several threads ask.</summary>
    public RepeatRows Get(string site, int repeat, Statistics agreed, Func<RepeatRows> encode)
    {
        Entry entry;
        lock (_gate)
        {
            var key = (site, repeat, _digests.GetValue(agreed, static a => a.Digest())); // after a resume equal statistics are another instance
            if (!_entries.TryGetValue(key, out entry!))
                _entries[key] = entry = new Entry(new Lazy<RepeatRows>(encode));
            entry.LastUse = ++_clock;
        }
        var rows = entry.Rows.Value;
        lock (_gate)
        {
            if (entry.Bytes == 0) _bytes += entry.Bytes = Math.Max(1, rows.Bytes);
            while (_bytes > capacityBytes && Oldest(entry) is { } oldest)
            {
                _bytes -= _entries[oldest].Bytes;
                _entries.Remove(oldest);
            }
        }
        return rows;
    }

    private (string, int, string)? Oldest(Entry except)
    {
        (string, int, string)? oldest = null;
        var use = long.MaxValue;
        foreach (var (key, entry) in _entries)
        {
            if (entry != except && entry.Bytes > 0 && entry.LastUse < use) (oldest, use) = (key, entry.LastUse);
        }
        return oldest;
    }

    private sealed class Entry(Lazy<RepeatRows> rows)
    {
        public Lazy<RepeatRows> Rows { get; } = rows;

        public long Bytes { get; set; }

        public long LastUse { get; set; }
    }
}
