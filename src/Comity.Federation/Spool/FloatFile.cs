using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Comity.Federation.AtRest;

namespace Comity.Federation.Spool;

/// <summary>Vectors as files of little-endian floats.</summary>
internal static class FloatFile
{
    // A byte view of more than 2 GiB does not exist: long vectors are seen part by part.
    private const int PartFloats = 1 << 24;

    // From here on a second thread is worth its start.
    private const int LongBytes = 1 << 22;

    public static string Sha256(ReadOnlySpan<float> vector)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Append(hash, vector);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>Adds a vector of any length to a digest.</summary>
    public static void Append(IncrementalHash hash, ReadOnlySpan<float> vector)
    {
        for (; !vector.IsEmpty; vector = vector[Math.Min(PartFloats, vector.Length)..]) hash.AppendData(Part(vector));
    }

    /// <summary>Writes a vector of any length at a position of an open file.</summary>
    public static void Write(StateFile file, long position, ReadOnlySpan<float> vector)
    {
        for (; !vector.IsEmpty; vector = vector[Math.Min(PartFloats, vector.Length)..])
        {
            var bytes = Part(vector);
            file.Write(position, bytes);
            position += bytes.Length;
        }
    }

    /// <summary>Writes vectors one after another; a reader sees the whole file or none.</summary>
    /// <returns>SHA-256 (hex) of all bytes.</returns>
    public static string Write(string path, params ReadOnlySpan<ReadOnlyMemory<float>> vectors) => Write(StateVault.Plain, path, vectors);

    /// <summary>Writes vectors one after another into a state; a reader sees the whole file or none.</summary>
    /// <returns>SHA-256 (hex) of all bytes.</returns>
    public static string Write(StateVault vault, string path, params ReadOnlySpan<ReadOnlyMemory<float>> vectors) => Write(vault, null, path, vectors);

    /// <summary>Writes vectors one after another into a state, over a spare file if there is one; a reader sees the whole file or none.</summary>
    /// <returns>SHA-256 (hex) of all bytes.</returns>
    public static string Write(StateVault vault, SpareFiles? spares, string path, params ReadOnlySpan<ReadOnlyMemory<float>> vectors)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        var partial = path + ".part";
        long length = 0;
        foreach (var vector in vectors) length += 4L * vector.Length;
        spares?.Reuse(partial, length);
        ReadOnlyMemory<float>[] all = [.. vectors];
        var digest = "";
        if (length < LongBytes)
        {
            WriteAll(vault, partial, length, all);
            digest = Sha256(all);
        }
        else
        {
            try
            {
                // Of a large model each takes as long as the other, and everybody waits for both.
                Parallel.Invoke(() => WriteAll(vault, partial, length, all), () => digest = Sha256(all));
            }
            catch (AggregateException e)
            {
                ExceptionDispatchInfo.Throw(e.InnerExceptions[0]); // a full disk is told as it is on one thread
            }
        }
        File.Move(partial, path, overwrite: true);
        return digest;
    }

    private static void WriteAll(StateVault vault, string path, long length, ReadOnlyMemory<float>[] vectors)
    {
        using var file = vault.Assemble(path, length);
        long position = 0;
        foreach (var vector in vectors)
        {
            Write(file, position, vector.Span);
            position += 4L * vector.Length;
        }
    }

    private static string Sha256(ReadOnlyMemory<float>[] vectors)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var vector in vectors) Append(hash, vector.Span);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>Writes one vector, in parts, without a digest.</summary>
    public static void WriteOne(StateVault vault, string path, ReadOnlySpan<float> vector)
    {
        using var file = vault.Create(path, 4L * vector.Length);
        Write(file, 0, vector);
    }

    /// <summary>Reads vectors of equal length; null when the file is not there, too short or has another digest.</summary>
    public static float[][]? Read(StateVault vault, string path, int count, int length, string? sha256)
    {
        if (!File.Exists(path)) return null;
        try
        {
            using var file = vault.Read(path);
            return file.Length == 4L * count * length ? Read(file, count, length, sha256) : null;
        }
        catch (InvalidDataException)
        {
            return null;
        }
    }

    public static void ReadExactly(StateFile file, long position, Span<float> destination)
    {
        for (; !destination.IsEmpty; destination = destination[Math.Min(PartFloats, destination.Length)..])
        {
            var bytes = MemoryMarshal.AsBytes(destination[..Math.Min(PartFloats, destination.Length)]);
            file.ReadExactly(position, bytes);
            position += bytes.Length;
        }
    }

    private static float[][]? Read(StateFile file, int count, int length, string? sha256)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var vectors = new float[count][];
        for (var i = 0; i < count; i++)
        {
            vectors[i] = new float[length];
            for (var at = 0; at < length;)
            {
                var part = vectors[i].AsSpan(at, Math.Min(PartFloats, length - at));
                ReadExactly(file, (4L * i * length) + (4L * at), part);
                hash.AppendData(MemoryMarshal.AsBytes(part));
                at += part.Length;
            }
        }
        return sha256 is null || sha256 == Convert.ToHexStringLower(hash.GetHashAndReset()) ? vectors : null;
    }

    private static ReadOnlySpan<byte> Part(ReadOnlySpan<float> vector) => MemoryMarshal.AsBytes(vector[..Math.Min(PartFloats, vector.Length)]);
}
