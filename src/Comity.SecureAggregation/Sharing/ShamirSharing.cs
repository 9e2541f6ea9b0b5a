using System.Buffers.Binary;
using System.Security.Cryptography;
using Comity.SecureAggregation.Masking;

namespace Comity.SecureAggregation.Sharing;

/// <summary>Splits a secret so that any t holders can put it together and t − 1 learn nothing.</summary>
/// <remarks>Shamir 1979, "How to share a secret"; a secret of bytes goes in pieces of 31 bits, each shared on its own.</remarks>
internal static class ShamirSharing
{
    private const int PieceBits = 31;

    /// <summary>Bytes of one share of a secret of <paramref name="secretBytes"/> bytes.</summary>
    public static int ShareBytes(int secretBytes) => 4 * Pieces(secretBytes);

    /// <summary>One share a holder; holder i evaluates at i + 1.</summary>
    public static byte[][] Split(Secret secret, int threshold, int holders)
    {
        if (threshold < 1 || threshold > holders) throw new ArgumentOutOfRangeException(nameof(threshold), threshold, $"Must lie between 1 and the {holders} holders.");
        var pieces = Pieces(secret.Bytes.Length);
        var shares = new byte[holders][];
        for (var holder = 0; holder < holders; holder++) shares[holder] = new byte[4 * pieces];

        var coefficients = new uint[threshold];
        for (var piece = 0; piece < pieces; piece++)
        {
            coefficients[0] = Piece(secret.Bytes, piece);
            for (var i = 1; i < threshold; i++) coefficients[i] = RandomElement();
            for (var holder = 0; holder < holders; holder++)
                BinaryPrimitives.WriteUInt32LittleEndian(shares[holder].AsSpan(4 * piece), Evaluate(coefficients, (uint)holder + 1));
        }
        Array.Clear(coefficients);
        return shares;
    }

    /// <summary>The secret from at least t shares; null where they do not fit together as bytes.</summary>
    /// <param name="shares">Holder (from 0) and share, t of them or more; the first t are used.</param>
    /// <param name="threshold">t.</param>
    /// <param name="secretBytes">Length of the secret.</param>
    public static Secret? Join(IReadOnlyList<(int Holder, byte[] Share)> shares, int threshold, int secretBytes)
    {
        if (shares.Count < threshold) throw new ArgumentException($"{shares.Count} shares are fewer than the threshold {threshold}.", nameof(shares));
        var used = shares.Take(threshold).ToList();
        if (used.Select(share => share.Holder).Distinct().Count() != threshold) throw new ArgumentException("Two shares are of one holder.", nameof(shares));

        var weights = Lagrange([.. used.Select(share => (uint)share.Holder + 1)]);
        var secret = new byte[secretBytes];
        for (var piece = 0; piece < Pieces(secretBytes); piece++)
        {
            var value = 0u;
            for (var i = 0; i < threshold; i++)
                value = PrimeField.Add(value, PrimeField.Multiply(weights[i], BinaryPrimitives.ReadUInt32LittleEndian(used[i].Share.AsSpan(4 * piece))));
            if (!Place(secret, piece, value)) return null;
        }
        return new(secret);
    }

    /// <summary>The weights by which values at <paramref name="points"/> add up to the value at 0.</summary>
    internal static uint[] Lagrange(ReadOnlySpan<uint> points)
    {
        var weights = new uint[points.Length];
        for (var i = 0; i < points.Length; i++)
        {
            var (top, bottom) = (1u, 1u);
            for (var j = 0; j < points.Length; j++)
            {
                if (i == j) continue;
                top = PrimeField.Multiply(top, points[j]);
                bottom = PrimeField.Multiply(bottom, PrimeField.Subtract(points[j], points[i]));
            }
            weights[i] = PrimeField.Multiply(top, PrimeField.Invert(bottom));
        }
        return weights;
    }

    /// <summary>The polynomial's value at a point, by Horner.</summary>
    internal static uint Evaluate(ReadOnlySpan<uint> coefficients, uint point)
    {
        var value = 0u;
        for (var i = coefficients.Length - 1; i >= 0; i--) value = PrimeField.Add(PrimeField.Multiply(value, point), coefficients[i]);
        return value;
    }

    private static int Pieces(int secretBytes) => (8 * secretBytes + PieceBits - 1) / PieceBits;

    private static uint Piece(ReadOnlySpan<byte> secret, int piece)
    {
        var value = 0u;
        for (var bit = 0; bit < PieceBits && piece * PieceBits + bit < 8 * secret.Length; bit++)
        {
            var at = piece * PieceBits + bit;
            value |= (uint)(secret[at / 8] >> (at % 8) & 1) << bit;
        }
        return value;
    }

    private static bool Place(Span<byte> secret, int piece, uint value)
    {
        for (var bit = 0; bit < 32; bit++)
        {
            if ((value >> bit & 1) == 0) continue;
            var at = piece * PieceBits + bit;

            // A wrong share gives a random field element, which may not fit its 31 bits or the secret's end.
            if (bit >= PieceBits || at >= 8 * secret.Length) return false;
            secret[at / 8] |= (byte)(1 << at % 8);
        }
        return true;
    }

    private static uint RandomElement()
    {
        Span<byte> bytes = stackalloc byte[8];
        while (true)
        {
            RandomNumberGenerator.Fill(bytes);
            var draw = BinaryPrimitives.ReadUInt64LittleEndian(bytes) >> 32;
            if (draw < PrimeField.Prime) return (uint)draw;
        }
    }
}
