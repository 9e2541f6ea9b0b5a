using System.Buffers.Binary;
using System.Security.Cryptography;
using Comity.Federation.AtRest;
using Comity.Federation.Spool;
using Comity.Federation.Stores;

namespace Comity.Federation.Rounds;

/// <summary>What a site remembers from round to round of one model (its control variate, what an encoding lost, its personal parameters, its optimiser's moments), in one file in the site's own folder.</summary>
/// <remarks>
/// <code>
/// file = slot length i64 | slot | slot        slot = round i32 | 0 i32 | SHA-256 of round and vectors | vectors (little-endian floats)
/// </code>
/// A round reads the slot of the last round before it and overwrites the other one, so a round that is trained again after
/// a crash starts from the same memory, and a torn write costs only what that round wrote itself. Nothing is fsynced: the
/// coordinator knows which round a site contributed to last, and asks with <see cref="Holds"/> before it relies on it.
/// In a sealed state each slot is a file of its own, without the leading length.
/// </remarks>
internal sealed class SiteMemory(string folder, Action<string>? beforeWrite, StateVault? vault = null)
{
    private const int Preamble = 8;
    private const int SlotHeader = 8 + SHA256.HashSizeInBytes;

    private readonly StateVault _vault = vault ?? StateVault.Plain;
    private int[]? _rounds;

    /// <summary>Vectors remembered before a round, or null: none yet.</summary>
    /// <param name="round">The round.</param>
    /// <param name="length">Length of each; the last may be shorter.</param>
    /// <param name="vector">Makes a vector of a length, or lends one.</param>
    public float[][]? Before(int round, int length, Func<int, float[]> vector)
    {
        var slot = SlotBefore(round);
        if (slot < 0) return null;
        using var file = _vault.Read(FileOf(slot));
        var header = new byte[SlotHeader];
        var at = PlaceIn(slot, file);
        file.Read(at, header);
        var floats = (SlotLength(slot, file) - SlotHeader) / sizeof(float);
        var vectors = new float[(int)((floats + length - 1) / length)][];
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(header, 0, 8);
        for (var i = 0; i < vectors.Length; i++)
        {
            FloatFile.ReadExactly(file, at + SlotHeader + (4L * i * length), vectors[i] = vector((int)Math.Min(length, floats - ((long)i * length))));
            FloatFile.Append(hash, vectors[i]);
        }
        return hash.GetHashAndReset().AsSpan().SequenceEqual(header.AsSpan(8)) ? vectors : throw RunStore.Unreadable(FileOf(slot));
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
        using var file = ToWrite(slot, bytes, out var at);
        file.Write(at, header);
        at += SlotHeader;
        foreach (var vector in vectors)
        {
            FloatFile.Write(file, at, vector.Span);
            at += 4L * vector.Length;
        }
        Rounds[slot] = round;
    }

    // The rounds in the two slots; 0: nothing, or nothing whole.
    private int[] Rounds => _rounds ??= [WholeRound(0), WholeRound(1)];

    private string Both => Path.Combine(folder, "memory.f32");

    private string Own(int slot) => Path.Combine(folder, $"memory-{slot}.f32");

    // A sealed file has the length that it was made with, so each slot is one; what was kept before the state had a key lies in one file still.
    private bool IsAlone(int slot) => _vault.IsSealed && (File.Exists(Own(slot)) || !File.Exists(Both));

    private string FileOf(int slot) => IsAlone(slot) ? Own(slot) : Both;

    private StateFile ToWrite(int slot, long bytes, out long at)
    {
        at = 0;
        if (_vault.IsSealed) return _vault.Create(Own(slot), bytes);
        var file = new PlainStateFile(File.OpenHandle(Both, FileMode.OpenOrCreate, FileAccess.ReadWrite));
        if (file.Length < Preamble)
        {
            var preamble = new byte[Preamble];
            BinaryPrimitives.WriteInt64LittleEndian(preamble, bytes);
            file.Write(0, preamble);
        }
        at = Preamble + (slot * bytes);
        return file;
    }

    private int SlotBefore(int round)
    {
        var (first, second) = (Rounds[0] < round ? Rounds[0] : 0, Rounds[1] < round ? Rounds[1] : 0);
        return first == 0 && second == 0 ? -1 : first > second ? 0 : 1;
    }

    private long PlaceIn(int slot, StateFile file) => IsAlone(slot) ? 0 : Preamble + (slot * SlotLength(slot, file));

    private long SlotLength(int slot, StateFile file)
    {
        if (IsAlone(slot)) return file.Length;
        Span<byte> preamble = stackalloc byte[Preamble];
        file.Read(0, preamble);
        return BinaryPrimitives.ReadInt64LittleEndian(preamble);
    }

    private int WholeRound(int slot)
    {
        if (!File.Exists(FileOf(slot))) return 0;
        try
        {
            using var file = _vault.Read(FileOf(slot));
            return file.Length < Preamble ? 0 : WholeRound(file, PlaceIn(slot, file), SlotLength(slot, file));
        }
        catch (InvalidDataException)
        {
            return 0; // torn while it was written
        }
    }

    private static int WholeRound(StateFile file, long at, long length)
    {
        if (file.Length <= at) return 0; // never written
        var slot = new byte[Math.Min(length, 1 << 16)];
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var header = new byte[SlotHeader];
        file.Read(at, header);
        hash.AppendData(header, 0, 8);
        for (var done = (long)SlotHeader; done < length;)
        {
            var read = file.Read(at + done, slot.AsSpan(0, (int)Math.Min(slot.Length, length - done)));
            if (read == 0) break;
            hash.AppendData(slot, 0, read);
            done += read;
        }
        return hash.GetHashAndReset().AsSpan().SequenceEqual(header.AsSpan(8)) ? BinaryPrimitives.ReadInt32LittleEndian(header) : 0;
    }
}
