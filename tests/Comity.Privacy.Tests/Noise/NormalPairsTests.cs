using System.Runtime.InteropServices;
using Comity.Privacy.Noise;

namespace Comity.Privacy.Tests.Noise;

/// <summary>Normals from bits, against the same formulas one by one with the C library's functions.</summary>
public sealed class NormalPairsTests
{
    [Fact]
    public void Pairs_are_those_of_the_slow_twin()
    {
        const int Half = 40_000;
        var values = new double[2 * Half];
        var bits = MemoryMarshal.Cast<double, ulong>(values.AsSpan());
        using var stream = NoiseStream.Repeatable(new byte[32]);
        stream.Fill(MemoryMarshal.AsBytes(values.AsSpan()));
        // The ends: the least and the largest radius, and every quarter at its borders.
        for (var i = 0; i < 16; i++) (bits[i], bits[Half + i]) = (i % 2 == 0 ? 0 : ulong.MaxValue, (uint)i / 4 + (i % 4 < 2 ? 0UL : ~3UL));
        var drawn = bits.ToArray();

        NormalPairs.FromBits(values);

        var quarters = new HashSet<ulong>();
        for (var i = 0; i < Half; i++)
        {
            var u = ((drawn[i] >> 11) + 1) / (double)(1UL << 53);
            var bit = drawn[Half + i];
            var place = (double)((bit >> 11) & ((1UL << 51) - 1)) / (1UL << 51) - 0.5; // of a quarter
            var angle = (place + (bit & 1) + 2 * ((bit >> 1) & 1)) * (Math.PI / 2);
            var radius = Math.Sqrt(-2 * Math.Log(u));
            Assert.Equal(radius * Math.Cos(angle), values[i], 2e-15 * Math.Max(1, radius));
            Assert.Equal(radius * Math.Sin(angle), values[Half + i], 2e-15 * Math.Max(1, radius));
            quarters.Add(bit & 3);
        }
        Assert.Equal(4, quarters.Count);
        Assert.Equal(Math.Sqrt(2 * 53 * Math.Log(2)), Math.Sqrt(values[0] * values[0] + values[Half] * values[Half]), 1e-12); // where tails end: 8.57
    }
}
