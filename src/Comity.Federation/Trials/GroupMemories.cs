using System.Formats.Tar;
using System.Globalization;

namespace Comity.Federation.Trials;

/// <summary>What the sites of a group remember, as one file: a tar of a file for each site that remembers something, named by its place in the group.</summary>
internal static class GroupMemories
{
    /// <summary>Packs files.</summary>
    /// <param name="path">Where to.</param>
    /// <param name="memories">For each site the file of its memory; null: it has none.</param>
    public static void Pack(string path, IReadOnlyList<string?> memories)
    {
        using var to = new FileStream(path, FileMode.Create, FileAccess.Write);
        using var tar = new TarWriter(to, TarEntryFormat.Pax);
        for (var i = 0; i < memories.Count; i++)
        {
            if (memories[i] is not { } memory) continue;
            using var from = File.OpenRead(memory);
            tar.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, Name(i)) { DataStream = from });
        }
    }

    /// <summary>Unpacks the memory of each site into a folder.</summary>
    /// <returns>For each site its file; null: it has none.</returns>
    /// <exception cref="InvalidDataException">The file is not such a tar.</exception>
    public static string?[] Unpack(string path, string folder, int sites)
    {
        var memories = new string?[sites];
        Directory.CreateDirectory(folder);
        using var from = File.OpenRead(path);
        using var tar = new TarReader(from);
        while (tar.GetNextEntry() is { } entry)
        {
            if (!int.TryParse(entry.Name, NumberStyles.None, CultureInfo.InvariantCulture, out var site) || site >= sites || memories[site] is not null) throw new InvalidDataException($"{entry.Name} is no site's memory.");
            // Named by the number that was read, so no name leads out of the folder.
            entry.ExtractToFile(memories[site] = Path.Combine(folder, Name(site)), overwrite: true);
        }
        return memories;
    }

    private static string Name(int site) => site.ToString(CultureInfo.InvariantCulture);
}
