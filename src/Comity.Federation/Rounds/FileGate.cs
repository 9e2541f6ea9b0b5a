using System.Runtime.InteropServices;
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
    /// <param name="digestOf">What its digest is of, see <see cref="UpdateHeader.DigestOf"/>.</param>
    /// <param name="known">The digest, where it was proven when the file arrived; null: it is made here.</param>
    /// <returns>The verdict, and the digest (hex).</returns>
    public static (GateVerdict Verdict, string Sha256) Judge(StateVault vault, string path, int parameters, int parts, double? maxNorm, string? digestOf = null, string? known = null)
    {
        using var file = vault.Read(path);
        var bytes = file.Length;
        using var hash = known is null ? new BodyHash(digestOf) : null;
        if (bytes != 4L * parameters * parts) return (new(RefusalReason.WrongShape, double.NaN), "");
        var slice = new float[(int)Math.Min(SliceFloats, Math.Max(1, bytes / 4))];
        var (norm, rest) = (0.0, 0.0);
        for (long at = 0; at < bytes / 4;)
        {
            // The norm is that of the first part, so no slice crosses its end.
            var until = at < parameters ? parameters : bytes / 4;
            var part = slice.AsSpan(0, (int)Math.Min(slice.Length, until - at));
            FloatFile.ReadExactly(file, 4 * at, part);
            hash?.Append(MemoryMarshal.AsBytes(part));
            var squares = UpdateGate.SumOfSquares(part);
            if (at < parameters) norm += squares;
            else rest += squares;
            at += part.Length;
        }
        var sha256 = known ?? hash!.End();
        if (!double.IsFinite(norm) || !double.IsFinite(rest)) return (new(RefusalReason.NotFinite, double.NaN), sha256);
        norm = Math.Sqrt(norm);
        return (norm > maxNorm ? new(RefusalReason.NormExceeded, norm) : new(null, norm), sha256);
    }
}
