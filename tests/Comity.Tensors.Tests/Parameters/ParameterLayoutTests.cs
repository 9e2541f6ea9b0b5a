using System.Buffers.Binary;
using System.Security.Cryptography;
using Comity.Tensors.Parameters;

namespace Comity.Tensors.Tests.Parameters;

public sealed class ParameterLayoutTests
{
    [Fact]
    public void The_builder_lays_tensors_one_after_another()
    {
        var builder = new ParameterLayoutBuilder();
        Assert.Equal(0, builder.Add("weight", ParameterRole.Weight, 13, 128));
        Assert.Equal(1, builder.Add("bias", ParameterRole.Bias, 128));
        var layout = builder.Build();
        Assert.Equal(13 * 128 + 128, layout.Length);
        Assert.Equal(13 * 128, layout.Entries[1].Offset);
        var vector = new float[layout.Length];
        layout.Slice(vector, layout.Entries[1]).Fill(2);
        Assert.Equal(2f * 128, vector.Sum());
        Assert.Equal(2, vector[13 * 128]);
    }

    [Fact]
    public void Gaps_and_names_used_twice_are_refused()
    {
        Assert.Throws<ArgumentException>(() => new ParameterLayout([new("a", [2], 0), new("b", [2], 3)]));
        Assert.Throws<ArgumentException>(() => new ParameterLayout([new("a", [2], 0), new("a", [2], 2)]));
        var builder = new ParameterLayoutBuilder();
        Assert.Throws<ArgumentException>(() => builder.Add("a", ParameterRole.Weight));
        Assert.Throws<ArgumentException>(() => builder.Add("a", ParameterRole.Weight, 3, 0));
        Assert.Throws<OverflowException>(() => builder.Add("a", ParameterRole.Weight, 70_000, 70_000));
    }

    [Fact]
    public void A_layout_digest_tells_names_shapes_and_roles_apart()
    {
        static string Of(string name, ParameterRole role, params int[] shape) => new ParameterLayout([new(name, shape, 0, role)]).Digest;
        string[] digests = [Of("a", ParameterRole.Weight, 2, 3), Of("b", ParameterRole.Weight, 2, 3), Of("a", ParameterRole.Bias, 2, 3), Of("a", ParameterRole.Weight, 3, 2)];
        Assert.Equal(4, digests.Distinct().Count());
        Assert.Equal(digests[0], Of("a", ParameterRole.Weight, 2, 3));
    }

    [Fact]
    public void A_vector_digest_is_sha256_of_its_little_endian_bytes()
    {
        float[] vector = [1, -2.5f, float.Epsilon, 0, -0f];
        var bytes = new byte[vector.Length * 4];
        for (var i = 0; i < vector.Length; i++) BinaryPrimitives.WriteSingleLittleEndian(bytes.AsSpan(4 * i), vector[i]);
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(bytes)), VectorDigest.Sha256(vector));
        // FIPS 180-4's digest of the empty message.
        Assert.Equal("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", VectorDigest.Sha256([]));
        Assert.NotEqual(VectorDigest.Sha256([0f]), VectorDigest.Sha256([-0f]));
    }
}
