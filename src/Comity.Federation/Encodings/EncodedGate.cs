using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Comity.Federation.AtRest;
using Comity.Federation.Rounds;
using Comity.Federation.Spool;

namespace Comity.Federation.Encodings;

/// <summary>The gate for encoded updates: norm and finiteness are those of the numbers that they stand for, the digest is that of the bytes.</summary>
internal static class EncodedGate
{
    /// <summary>Judges an update in memory.</summary>
    /// <param name="encoding">How it must be written.</param>
    /// <param name="packed">The body.</param>
    /// <param name="maxNorm">Longest update that may pass; null: any.</param>
    public static GateVerdict Judge(VectorEncoding encoding, ReadOnlySpan<float> packed, double? maxNorm)
    {
        if (packed.Length != encoding.PackedLength) return new(RefusalReason.WrongShape, double.NaN);
        var judging = new Judging(encoding);
        foreach (var piece in encoding.Pieces)
        {
            if (!judging.Add(piece, packed.Slice(piece.Packed, piece.PackedLength))) break;
        }
        return judging.Verdict(maxNorm);
    }

    /// <summary>Judges an update that lies in a file, in one pass and less than a megabyte of memory.</summary>
    /// <returns>The verdict, and SHA-256 (hex) of the bytes.</returns>
    public static (GateVerdict Verdict, string Sha256) Judge(VectorEncoding encoding, StateVault vault, string path, double? maxNorm)
    {
        using var file = vault.Read(path);
        if (file.Length != 4L * encoding.PackedLength) return (new(RefusalReason.WrongShape, double.NaN), "");
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var judging = new Judging(encoding);
        var bits = new float[encoding.Pieces.Select(p => p.PackedLength).DefaultIfEmpty(0).Max()];
        foreach (var piece in encoding.Pieces)
        {
            var part = bits.AsSpan(0, piece.PackedLength);
            FloatFile.ReadExactly(file, 4L * piece.Packed, part);
            hash.AppendData(MemoryMarshal.AsBytes(part));
            if (!judging.Add(piece, part)) break;
        }
        return (judging.Verdict(maxNorm), Convert.ToHexStringLower(hash.GetHashAndReset()));
    }

    private sealed class Judging(VectorEncoding encoding)
    {
        private readonly float[] _values = new float[Math.Min(encoding.Parameters, VectorEncoding.MostValues)];
        private string? _fault;
        private double _squares;

        public bool Add(VectorEncoding.Piece piece, ReadOnlySpan<float> packed)
        {
            var values = _values.AsSpan(0, piece.Length);
            _fault = piece.Codec.Decode(packed, values);
            if (_fault is not null) return false;
            _squares += UpdateGate.SumOfSquares(values);
            return true;
        }

        public GateVerdict Verdict(double? maxNorm)
        {
            if (_fault is not null) return new(_fault, double.NaN);
            if (!double.IsFinite(_squares)) return new(RefusalReason.NotFinite, double.NaN);
            var norm = Math.Sqrt(_squares);
            return norm > maxNorm ? new(RefusalReason.NormExceeded, norm) : new(null, norm);
        }
    }
}
