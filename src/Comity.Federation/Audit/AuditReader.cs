namespace Comity.Federation.Audit;

/// <summary>Cuts a stream into lines of bytes, in a few kilobytes of memory.</summary>
internal static class AuditReader
{
    /// <summary>Longest line that is still looked at; a longer one is no entry.</summary>
    public const int LongestLine = 1 << 16;

    /// <summary>Lines without their newline, and whether there was one.</summary>
    public static IEnumerable<(byte[] Line, bool Ended)> Lines(Stream stream)
    {
        var buffer = new byte[1 << 15];
        var line = new MemoryStream();
        int read;
        while ((read = stream.Read(buffer)) > 0)
        {
            for (var start = 0; start < read;)
            {
                var end = Array.IndexOf(buffer, (byte)'\n', start, read - start);
                var length = (end < 0 ? read : end) - start;
                // What is too long is kept as long as it takes to see that, not longer.
                if (line.Length <= LongestLine) line.Write(buffer, start, length);
                start += length + 1;
                if (end < 0) continue;
                yield return (line.ToArray(), true);
                line.SetLength(0);
            }
        }
        if (line.Length > 0) yield return (line.ToArray(), false);
    }
}
