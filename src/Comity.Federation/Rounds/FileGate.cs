using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Comity.Federation.AtRest;
using Comity.Federation.Spool;

namespace Comity.Federation.Rounds;

/// <summary>The gate for an update that lies in a file: the same checks, and the digest, in one pass and a quarter of a megabyte of memory.</summary>
internal static class FileGate
{
    private const int SliceFloats = 1 << 16;

    /// <summary>Judges a file of little-endian floats.</summary>
    /// <param name="vault">How it is kept.</param>
    /// <param name="path">The file.</param>
    /// <param name="parameters">P.</param>
    /// <param name="parts">Vectors of P floats in it.</param>
    /// <param name="maxNorm">Longest update that may pass; null: any.</param>
    /// <returns>The verdict, and SHA-256 (hex) of the bytes.</returns>
    public static (GateVerdict Verdict, string Sha256) Judge(StateVault vault, string path, int parameters, int parts, double? maxNorm)
    {
        using var file = vault.Read(path);
        var bytes = file.Length;
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        if (bytes != 4L * parameters * parts) return (new(RefusalReason.WrongShape, double.NaN), "");
        var slice = new float[(int)Math.Min(SliceFloats, Math.Max(1, bytes / 4))];
        var (norm, rest) = (0.0, 0.0);
        for (long at = 0; at < bytes / 4;)
        {
            // The norm is that of the first part, so no slice crosses its end.
            var until = at < parameters ? parameters : bytes / 4;
            var part = slice.AsSpan(0, (int)Math.Min(slice.Length, until - at));
            FloatFile.ReadExactly(file, 4 * at, part);
            hash.AppendData(MemoryMarshal.AsBytes(part));
            var squares = UpdateGate.SumOfSquares(part);
            if (at < parameters) norm += squares;
            else rest += squares;
            at += part.Length;
        }
        var sha256 = Convert.ToHexStringLower(hash.GetHashAndReset());
        if (!double.IsFinite(norm) || !double.IsFinite(rest)) return (new(RefusalReason.NotFinite, double.NaN), sha256);
        norm = Math.Sqrt(norm);
        return (norm > maxNorm ? new(RefusalReason.NormExceeded, norm) : new(null, norm), sha256);
    }
}
