using System.Buffers.Binary;
using System.Security.Cryptography;
using Comity.Federation.AtRest;
using Comity.Federation.Spool;
using Comity.Federation.Stores;

namespace Comity.Federation.Rounds;

/// <summary>What a site remembers from round to round of one model (its control variate, what an encoding lost, its personal parameters, its optimiser's moments), in two slots in the site's own folder.</summary>
/// <remarks>
/// <code>
/// last contribution   slot 0   slot 1
///         0             1                round 1 reads nothing, writes a slot
///         1             1        2       round 2 reads 1, writes the other slot; its answer comes too late
///         1             1        3       round 3 reads 1 again, and spares it
///         3             4        3       round 4 reads 3
/// slot = a file: round i32 | 1 i32 | SHA-256 of the update of that round | SHA-256 of all else | vectors (little-endian floats)
/// </code>
/// A round reads the slot of the last round that counted and overwrites the other one. So a round that is trained again after a crash starts from
/// the same memory, a torn write costs only what that round wrote itself, and what a round left whose update came too late, was refused or was never
/// charged enters no later one. Nothing is fsynced: the coordinator knows which round counted last, and <see cref="Holds"/> is asked before it is relied on.
/// </remarks>
internal sealed class SiteMemory(string folder, Action<string>? beforeWrite, StateVault? vault = null)
{
    private const int Form = 1;
    private const int Named = 8 + SHA256.HashSizeInBytes;
    private const int Header = Named + SHA256.HashSizeInBytes;

    private readonly StateVault _vault = vault ?? StateVault.Plain;
    private (int Round, string Update)[]? _slots;

    /// <summary>Vectors remembered after a round, or null: the site does not hold it.</summary>
    /// <param name="round">The last round that counted; 0: none.</param>
    /// <param name="length">Length of each; the last may be shorter.</param>
    /// <param name="vector">Makes a vector of a length, or lends one.</param>
    public float[][]? After(int round, int length, Func<int, float[]> vector)
    {
        var slot = SlotOf(round);
        if (slot < 0) return null;
        using var file = _vault.Read(FileOf(slot));
        var header = new byte[Header];
        file.ReadExactly(0, header);
        var floats = (file.Length - Header) / sizeof(float);
        var vectors = new float[(int)((floats + length - 1) / length)][];
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(header, 0, Named);
        for (var i = 0; i < vectors.Length; i++)
        {
            FloatFile.ReadExactly(file, Header + (4L * i * length), vectors[i] = vector((int)Math.Min(length, floats - ((long)i * length))));
            FloatFile.Append(hash, vectors[i]);
        }
        return hash.GetHashAndReset().AsSpan().SequenceEqual(header.AsSpan(Named)) ? vectors : throw RunStore.Unreadable(FileOf(slot));
    }

    /// <summary>Whether the site remembers this very round, undamaged.</summary>
    /// <param name="round">The round.</param>
    /// <param name="update">SHA-256 (hex) of the update that must have been made together with it; null: any.</param>
    public bool Holds(int round, string? update = null) => SlotOf(round) is >= 0 and var slot && (update is null || Slots[slot].Update == update);

    /// <summary>Remembers.</summary>
    /// <param name="round">The round.</param>
    /// <param name="spared">The last round that counted, whose slot stays as it is; 0: none.</param>
    /// <param name="update">SHA-256 (hex) of the round's update.</param>
    /// <param name="vectors">What is remembered.</param>
    public void Keep(int round, int spared, string update, params ReadOnlySpan<ReadOnlyMemory<float>> vectors)
    {
        beforeWrite?.Invoke("site-memory");
        var slot = SlotFor(round, spared);
        var header = new byte[Header];
        BinaryPrimitives.WriteInt32LittleEndian(header, round);
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(4), Form);
        Convert.FromHexString(update).CopyTo(header, 8);
        long bytes = Header;
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(header, 0, Named);
        foreach (var vector in vectors)
        {
            FloatFile.Append(hash, vector.Span);
            bytes += 4L * vector.Length;
        }
        hash.GetHashAndReset(header.AsSpan(Named));

        Directory.CreateDirectory(folder);
        Slots[slot] = default;
        using var file = _vault.Create(FileOf(slot), bytes);
        file.Write(0, header);
        long at = Header;
        foreach (var vector in vectors)
        {
            FloatFile.Write(file, at, vector.Span);
            at += 4L * vector.Length;
        }
        Slots[slot] = (round, update);
    }

    /// <summary>Where what is remembered of a round lies; null: it is not held.</summary>
    public string? FileOfRound(int round) => SlotOf(round) is >= 0 and var slot ? FileOf(slot) : null;

    /// <summary>Takes over what another process, on the site's behalf, wrote down for a round: its file is moved here. In a plain state only.</summary>
    /// <param name="round">The round.</param>
    /// <param name="spared">The last round that counted, whose slot stays as it is; 0: none.</param>
    /// <param name="file">The other's file.</param>
    /// <exception cref="Comity.Declarations.InvalidDeclarationException">It is damaged, or another round's.</exception>
    public void Adopt(int round, int spared, string file)
    {
        beforeWrite?.Invoke("site-memory");
        var slot = SlotFor(round, spared);
        Directory.CreateDirectory(folder);
        Slots[slot] = default;
        File.Move(file, FileOf(slot), overwrite: true);
        Slots[slot] = Whole(slot);
        if (Slots[slot].Round != round) throw RunStore.Unreadable(FileOf(slot));
    }

    // Trained again, a round has its own slot again: no round ever has two.
    private int SlotFor(int round, int spared) => SlotOf(round) is >= 0 and var again ? again : SlotOf(spared) == 0 ? 1 : 0;

    // Round 0: nothing, or nothing whole.
    private (int Round, string Update)[] Slots => _slots ??= [Whole(0), Whole(1)];

    private string FileOf(int slot) => Path.Combine(folder, $"memory-{slot}.f32");

    private int SlotOf(int round) => round < 1 ? -1 : Slots[0].Round == round ? 0 : Slots[1].Round == round ? 1 : -1;

    private (int Round, string Update) Whole(int slot)
    {
        if (!File.Exists(FileOf(slot))) return default;
        try
        {
            using var file = _vault.Read(FileOf(slot));
            return Whole(file);
        }
        catch (InvalidDataException)
        {
            return default; // torn while it was written
        }
    }

    private static (int Round, string Update) Whole(StateFile file)
    {
        var header = new byte[Header];
        if (file.Length < Header || file.Read(0, header) < Header || BinaryPrimitives.ReadInt32LittleEndian(header.AsSpan(4)) != Form) return default;
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(header, 0, Named);
        var part = new byte[Math.Min(file.Length, 1 << 16)];
        for (long done = Header; done < file.Length;)
        {
            var read = file.Read(done, part);
            if (read == 0) break;
            hash.AppendData(part, 0, read);
            done += read;
        }
        return hash.GetHashAndReset().AsSpan().SequenceEqual(header.AsSpan(Named)) ? (BinaryPrimitives.ReadInt32LittleEndian(header), Convert.ToHexStringLower(header.AsSpan(8, SHA256.HashSizeInBytes))) : default;
    }
}
