using System.Buffers.Binary;
using Comity.Privacy.Noise;
using Comity.Tensors.Randomness;

namespace Comity.Cli.Composition;

/// <summary>Privacy noise of a simulation: repeatable from the study's seed, so that the same study gives the same bits. A real site draws from the operating system.</summary>
internal static class SimulatedNoise
{
    /// <summary>The stream of one answer; no two answers have the same.</summary>
    public static NoiseStream Of(Seed seed, string purpose, params ReadOnlySpan<object> parts)
    {
        var random = seed.For("noise").For(purpose, parts).ToRandom();
        Span<byte> key = stackalloc byte[32];
        for (var at = 0; at < key.Length; at += 8) BinaryPrimitives.WriteUInt64LittleEndian(key[at..], random.NextUInt64());
        return NoiseStream.Repeatable(key);
    }
}
