using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Comity.Tensors.Files;
using Comity.Tensors.Parameters;

namespace Comity.Tensors.Tests.Parameters;

/// <summary>Vectors longer than what is seen at once have the digest and the bytes of the whole.</summary>
public sealed class LongVectorTests
{
    private const int Length = (1 << 24) + 3;

    [Fact]
    public void A_digest_in_parts_is_that_of_all_bytes()
    {
        var vector = Values();

        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(MemoryMarshal.AsBytes<float>(vector))), VectorDigest.Sha256(vector));
    }

    [Fact]
    public void Bytes_in_parts_are_those_of_all_values()
    {
        var vector = Values();
        using var stream = new MemoryStream(4 * Length);
        var read = new float[Length];

        FloatBytes.Write(stream, vector, FloatStorage.Float32);
        stream.Position = 0;
        FloatBytes.Read(stream, read, FloatStorage.Float32);

        Assert.True(MemoryMarshal.AsBytes<float>(vector).SequenceEqual(stream.GetBuffer().AsSpan(0, 4 * Length)));
        Assert.True(vector.AsSpan().SequenceEqual(read));
    }

    private static float[] Values()
    {
        var vector = new float[Length];
        for (var i = 0; i < Length; i++) vector[i] = i;
        return vector;
    }
}
