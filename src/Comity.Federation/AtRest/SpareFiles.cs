using System.Security.Cryptography;
using System.Text;

namespace Comity.Federation.AtRest;

/// <summary>Large files that nobody needs any more, kept so that the next ones are written over them.</summary>
/// <remarks>
/// Rounds write the same few files again and again: the model, an update for each site, a checkpoint. A file that is deleted gives back its blocks and the memory of
/// the system's cache, and the next one takes both anew, page by page: that was a quarter of the processor time of a round of 100 M parameters, and everything went to
/// the disk. Written over in place, pages of the cache are used again, and what is written over soon enough never goes to the disk at all.
/// What lies here counts for nothing: whoever takes a file writes all of it, or checks each part of it by its digest before it counts.
/// Several instances, and processes, may share a folder: who moves a file away has it.
/// </remarks>
/// <param name="folder">Where they lie; on the same volume as the files.</param>
public sealed class SpareFiles(string folder)
{
    /// <summary>Bytes from which on a file is worth keeping.</summary>
    public const long SmallestBytes = 1 << 20;

    /// <summary>Most files that are kept.</summary>
    public const int Most = 64;

    // What is sealed when a state gets a key is told by the ending: vectors lay in these files.
    private const string Ending = ".f32";

    /// <summary>Those of a run, or of a study's run at the coordinator.</summary>
    /// <param name="runFolder">Folder of the run.</param>
    public static SpareFiles OfRun(string runFolder) => new(Path.Combine(runFolder, "state", "spare"));

    /// <summary>A file is no longer needed; nobody may have it open to read it.</summary>
    public void Discard(string path)
    {
        try
        {
            var file = new FileInfo(path);
            if (file is { Exists: true, Length: >= SmallestBytes } && Files().Count() < Most)
            {
                Directory.CreateDirectory(folder);
                file.MoveTo(Path.Combine(folder, Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(file.FullName))) + Ending), overwrite: true);
                return;
            }
        }
        catch (IOException)
        {
            // Another volume, or the folder went meanwhile: it is deleted.
        }
        File.Delete(path);
    }

    /// <summary>Puts a file with any content at a place where none is, if one is left.</summary>
    /// <param name="path">The place.</param>
    /// <param name="length">Bytes that will be written there; one that had as many is taken first.</param>
    /// <returns>Whether there is one now.</returns>
    public bool Reuse(string path, long length)
    {
        if (length < SmallestBytes) return false;
        foreach (var spare in Files().OrderBy(f => Math.Abs(LengthOf(f) - length)))
        {
            try
            {
                File.Move(spare, path, overwrite: false);
                return true;
            }
            catch (FileNotFoundException)
            {
                // Somebody else took it.
            }
            catch (IOException)
            {
                return false; // another volume, or there is a file already
            }
        }
        return false;
    }

    /// <summary>Deletes them: there will be no more rounds, or the disk is needed.</summary>
    public void Clear()
    {
        try
        {
            Directory.Delete(folder, recursive: true);
        }
        catch (IOException)
        {
            // There were none, or another trial discards one at this moment.
        }
    }

    private IEnumerable<string> Files() => Directory.Exists(folder) ? Directory.EnumerateFiles(folder) : [];

    private static long LengthOf(string path)
    {
        try
        {
            return new FileInfo(path).Length;
        }
        catch (FileNotFoundException)
        {
            return 0;
        }
    }
}
