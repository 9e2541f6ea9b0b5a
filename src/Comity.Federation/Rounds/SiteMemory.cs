using System.Globalization;
using System.Security.Cryptography;
using Comity.Federation.Spool;
using Comity.Federation.Stores;

namespace Comity.Federation.Rounds;

/// <summary>What a site remembers from round to round of one model (its control variate, its personal parameters), in the site's own folder.</summary>
/// <remarks>
/// A round reads the memory of the last round before it and writes its own beside it; only what is older than that is
/// removed. A round that is trained again after a crash therefore starts from the same memory.
/// </remarks>
internal sealed class SiteMemory(string folder, Action<string>? beforeWrite)
{
    private SortedDictionary<int, string>? _rounds;

    /// <summary>Vectors remembered before a round, or null: none yet.</summary>
    public float[][]? Before(int round, int count, int length)
    {
        var last = Rounds.Keys.Where(r => r < round).DefaultIfEmpty(0).Max();
        if (last == 0) return null;
        var path = Rounds[last];
        return FloatFile.Read(path, count, length, DigestIn(path)) ?? throw RunStore.Unreadable(path);
    }

    /// <summary>
    /// Whether the site remembers what a round starts from, undamaged: not when power was lost and took files with it, or
    /// when the coordinator fell back further than sites remember.
    /// </summary>
    public bool Reaches(int round) =>
        (Rounds.Count == 0 || Rounds.Keys.Any(r => r < round) || !Rounds.Keys.Any(r => r > round)) && Rounds.Values.All(IsWhole);

    /// <summary>Remembers.</summary>
    public void Keep(int round, params ReadOnlySpan<ReadOnlyMemory<float>> vectors)
    {
        beforeWrite?.Invoke("site-memory");
        var partial = Path.Combine(folder, "writing");
        var digest = FloatFile.Write(partial, vectors);
        var path = Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"round-{round:D6}-{digest}.f32"));
        File.Move(partial, path, overwrite: true);
        var previous = Rounds.Keys.Where(r => r < round).DefaultIfEmpty(0).Max();
        foreach (var (old, file) in Rounds.Where(r => r.Key < previous).ToList())
        {
            File.Delete(file);
            Rounds.Remove(old);
        }
        Rounds[round] = path;
    }

    private static string DigestIn(string path) => Path.GetFileNameWithoutExtension(path).Split('-')[2];

    private static bool IsWhole(string path)
    {
        using var file = File.OpenRead(path);
        return Convert.ToHexStringLower(SHA256.HashData(file)) == DigestIn(path);
    }

    private SortedDictionary<int, string> Rounds
    {
        get
        {
            if (_rounds is not null) return _rounds;
            _rounds = [];
            if (!Directory.Exists(folder)) return _rounds;
            foreach (var file in Directory.EnumerateFiles(folder, "round-*.f32"))
                _rounds[int.Parse(Path.GetFileName(file).Split('-')[1], CultureInfo.InvariantCulture)] = file;
            return _rounds;
        }
    }
}
