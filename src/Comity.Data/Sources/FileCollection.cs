using System.Formats.Tar;
using System.Runtime.InteropServices;
using Comity.Declarations;

namespace Comity.Data.Sources;

/// <summary>The files of a folder or a tar archive, in the order of their paths; what they hold is read when it is asked for.</summary>
internal sealed class FileCollection
{
    private readonly string? _folder;
    private readonly ReadOnlyMemory<byte> _archive;
    private readonly (int Offset, int Length)[] _slices;

    private FileCollection(string? folder, ReadOnlyMemory<byte> archive, IReadOnlyList<string> paths, (int Offset, int Length)[] slices) =>
        (_folder, _archive, Paths, _slices) = (folder, archive, paths, slices);

    /// <summary>Paths within the folder or archive, with slashes, in ordinal order.</summary>
    public IReadOnlyList<string> Paths { get; }

    /// <summary>One file's content.</summary>
    /// <exception cref="IOException">It can't be read.</exception>
    public ReadOnlyMemory<byte> this[int file] => _folder is null ? _archive.Slice(_slices[file].Offset, _slices[file].Length) : File.ReadAllBytes(Path.Combine(_folder, Paths[file]));

    /// <summary>Lists a folder or an archive; null, with the reason among the problems, where that can't be done.</summary>
    /// <param name="path">Path to open.</param>
    /// <param name="name">As the user named it, for problems.</param>
    /// <param name="problems">Where problems go.</param>
    public static FileCollection? Open(string path, string name, ProblemList problems)
    {
        if (Directory.Exists(path))
        {
            string[] paths = [.. Directory.EnumerateFiles(path, "*", SearchOption.AllDirectories).Select(f => Path.GetRelativePath(path, f).Replace('\\', '/')).Order(StringComparer.Ordinal)];
            return new FileCollection(path, default, paths, []);
        }
        if (FileBytes.Read(path, name, problems) is not { } bytes) return null;
        var entries = new List<(string Path, int Offset, int Length)>();
        try
        {
            using var reader = new TarReader(AsStream(bytes));
            while (reader.GetNextEntry() is { } entry)
            {
                if (entry.EntryType is not (TarEntryType.RegularFile or TarEntryType.V7RegularFile)) continue;
                if (entry.DataOffset + entry.Length > bytes.Length) throw new EndOfStreamException();
                entries.Add((entry.Name.StartsWith("./", StringComparison.Ordinal) ? entry.Name[2..] : entry.Name, (int)entry.DataOffset, (int)entry.Length));
            }
        }
        catch (Exception e) when (e is InvalidDataException or EndOfStreamException or FormatException)
        {
            problems.Add(Messages.Problem("tar-broken", Place.InFile(name), entries.Count, entries.Count == 0 ? 0 : entries[^1].Offset + (long)entries[^1].Length));
            return null;
        }
        // Two entries of one name: the later one replaces the earlier when an archive is unpacked.
        entries = [.. entries.GroupBy(e => e.Path, StringComparer.Ordinal).Select(g => g.Last())];
        entries.Sort((a, b) => string.CompareOrdinal(a.Path, b.Path));
        return new FileCollection(null, bytes, [.. entries.Select(e => e.Path)], [.. entries.Select(e => (e.Offset, e.Length))]);
    }

    private static MemoryStream AsStream(ReadOnlyMemory<byte> bytes) =>
        MemoryMarshal.TryGetArray(bytes, out var array) ? new MemoryStream(array.Array!, array.Offset, array.Count, writable: false) : new MemoryStream(bytes.ToArray(), writable: false);
}
