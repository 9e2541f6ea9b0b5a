using System.Buffers.Binary;
using System.Security.Cryptography;
using Comity.Federation.Spool;
using Comity.Federation.Stores;
using Microsoft.Win32.SafeHandles;

namespace Comity.Federation.Rounds;

/// <summary>What a site remembers from round to round of one model (its control variate, its personal parameters), in one file in the site's own folder.</summary>
/// <remarks>
/// <code>
/// file = slot length i64 | slot | slot        slot = round i32 | 0 i32 | SHA-256 of round and vectors | vectors (little-endian floats)
/// </code>
/// A round reads the slot of the last round before it and overwrites the other one, so a round that is trained again after
/// a crash starts from the same memory, and a torn write costs only what that round wrote itself. Nothing is fsynced: the
/// coordinator knows which round a site contributed to last, and asks with <see cref="Holds"/> before it relies on it.
/// </remarks>
internal sealed class SiteMemory(string folder, Action<string>? beforeWrite)
{
    private const int Preamble = 8;
    private const int SlotHeader = 8 + SHA256.HashSizeInBytes;

    private readonly string _path = Path.Combine(folder, "memory.f32");
    private int[]? _rounds;

    /// <summary>Vectors remembered before a round, or null: none yet.</summary>
    /// <param name="round">The round.</param>
    /// <param name="count">Vectors in a slot.</param>
    /// <param name="length">Length of each.</param>
    /// <param name="vector">Makes a vector of a length, or lends one.</param>
    public float[][]? Before(int round, int count, int length, Func<int, float[]> vector)
    {
        var slot = SlotBefore(round);
        if (slot < 0) return null;
        using var file = File.OpenHandle(_path);
        var header = new byte[SlotHeader];
        var at = Preamble + (slot * SlotLength(file));
        RandomAccess.Read(file, header, at);
        var vectors = new float[count][];
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(header, 0, 8);
        for (var i = 0; i < count; i++)
        {
            FloatFile.ReadExactly(file, at + SlotHeader + (4L * i * length), vectors[i] = vector(length));
            FloatFile.Append(hash, vectors[i]);
        }
        return hash.GetHashAndReset().AsSpan().SequenceEqual(header.AsSpan(8)) ? vectors : throw RunStore.Unreadable(_path);
    }

    /// <summary>Whether the site remembers this very round, undamaged.</summary>
    public bool Holds(int round) => Rounds.Contains(round);

    /// <summary>Remembers.</summary>
    public void Keep(int round, params ReadOnlySpan<ReadOnlyMemory<float>> vectors)
    {
        beforeWrite?.Invoke("site-memory");
        var slot = SlotBefore(round) == 0 ? 1 : 0;
        var header = new byte[SlotHeader];
        BinaryPrimitives.WriteInt32LittleEndian(header, round);
        long bytes = SlotHeader;
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(header, 0, 8);
        foreach (var vector in vectors)
        {
            FloatFile.Append(hash, vector.Span);
            bytes += 4L * vector.Length;
        }
        hash.GetHashAndReset(header.AsSpan(8));

        Directory.CreateDirectory(folder);
        using var file = File.OpenHandle(_path, FileMode.OpenOrCreate, FileAccess.ReadWrite);
        if (RandomAccess.GetLength(file) < Preamble)
        {
            var preamble = new byte[Preamble];
            BinaryPrimitives.WriteInt64LittleEndian(preamble, bytes);
            RandomAccess.Write(file, preamble, 0);
        }
        var at = Preamble + (slot * bytes);
        RandomAccess.Write(file, header, at);
        at += SlotHeader;
        foreach (var vector in vectors)
        {
            FloatFile.Write(file, at, vector.Span);
            at += 4L * vector.Length;
        }
        Rounds[slot] = round;
    }

    // The rounds in the two slots; 0: nothing, or nothing whole.
    private int[] Rounds
    {
        get
        {
            if (_rounds is not null) return _rounds;
            _rounds = [0, 0];
            if (!File.Exists(_path)) return _rounds;
            using var file = File.OpenHandle(_path);
            if (RandomAccess.GetLength(file) < Preamble) return _rounds;
            var length = SlotLength(file);
            for (var slot = 0; slot < 2; slot++) _rounds[slot] = WholeRound(file, Preamble + (slot * length), length);
            return _rounds;
        }
    }

    private int SlotBefore(int round)
    {
        var (first, second) = (Rounds[0] < round ? Rounds[0] : 0, Rounds[1] < round ? Rounds[1] : 0);
        return first == 0 && second == 0 ? -1 : first > second ? 0 : 1;
    }

    private static long SlotLength(SafeFileHandle file)
    {
        Span<byte> preamble = stackalloc byte[Preamble];
        RandomAccess.Read(file, preamble, 0);
        return BinaryPrimitives.ReadInt64LittleEndian(preamble);
    }

    private int WholeRound(SafeFileHandle file, long at, long length)
    {
        if (RandomAccess.GetLength(file) <= at) return 0; // never written
        var slot = new byte[Math.Min(length, 1 << 16)];
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var header = new byte[SlotHeader];
        RandomAccess.Read(file, header, at);
        hash.AppendData(header, 0, 8);
        for (var done = (long)SlotHeader; done < length;)
        {
            var read = RandomAccess.Read(file, slot.AsSpan(0, (int)Math.Min(slot.Length, length - done)), at + done);
            if (read == 0) break;
            hash.AppendData(slot, 0, read);
            done += read;
        }
        return hash.GetHashAndReset().AsSpan().SequenceEqual(header.AsSpan(8)) ? BinaryPrimitives.ReadInt32LittleEndian(header) : 0;
    }
}
