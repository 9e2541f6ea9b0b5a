using System.Buffers.Binary;
using System.Text;
using Comity.Tensors.Files;
using Comity.Tensors.Parameters;
using Comity.Tensors.Randomness;

namespace Comity.Tensors.Tests.Files;

public sealed class SafetensorsTests
{
    [Fact]
    public void A_vector_reloads_bit_by_bit_with_its_layout()
    {
        var builder = new ParameterLayoutBuilder();
        builder.Add("hidden.0.weight", ParameterRole.Weight, 3, 5);
        builder.Add("hidden.0.norm.mean", ParameterRole.BatchNormStatistic, 5);
        var layout = builder.Build();
        var random = Seed.Of(4).ToRandom();
        // Any bits, NaN payloads and negative zero among them.
        var vector = Enumerable.Range(0, layout.Length).Select(_ => BitConverter.UInt32BitsToSingle((uint)random.NextUInt64())).ToArray();
        using var folder = new Folder();
        var path = folder.File("model.safetensors");
        Safetensors.Write(path, layout, vector, new Dictionary<string, string> { ["study"] = "heart" });
        var content = Safetensors.Read(path);
        Assert.Equal(VectorDigest.Sha256(vector), VectorDigest.Sha256(content.Parameters));
        Assert.Equal(layout.Digest, content.Layout.Digest);
        Assert.Equal("heart", content.Metadata["study"]);
        Assert.Equal(VectorDigest.Sha256(vector), VectorDigest.Sha256(Safetensors.Read(path, layout)));
        Assert.Equal([path], Directory.GetFiles(folder.Path));
    }

    [Theory]
    [InlineData(FloatStorage.Bfloat16, 8)]
    [InlineData(FloatStorage.Float16, 11)]
    public void Floats_of_16_bits_take_half_the_file_and_are_off_by_their_precision_at_most(FloatStorage storage, int precision)
    {
        var builder = new ParameterLayoutBuilder();
        builder.Add("weight", ParameterRole.Weight, 61, 101);
        var layout = builder.Build();
        var random = Seed.Of(5).ToRandom();
        var vector = Enumerable.Range(0, layout.Length).Select(_ => (float)random.NextGaussian()).ToArray();
        using MemoryStream whole = new(), half = new();
        Safetensors.Write(whole, layout, vector);
        Safetensors.Write(half, layout, vector, storage: storage);
        Assert.InRange(half.Length, whole.Length / 2, whole.Length / 2 + 200);
        half.Position = 0;
        var read = Safetensors.Read(half, "half").Parameters;
        for (var i = 0; i < vector.Length; i++) Assert.Equal(vector[i], read[i], Math.Abs(vector[i]) * MathF.Pow(2, -precision) + 1e-7f);
    }

    [Fact]
    public void A_number_beyond_binary16_is_refused()
    {
        var builder = new ParameterLayoutBuilder();
        builder.Add("weight", ParameterRole.Weight, 2);
        Assert.Throws<ArgumentException>(() => Safetensors.Write(new MemoryStream(), builder.Build(), [1, 70_000], storage: FloatStorage.Float16));
    }

    [Fact]
    public void Types_may_be_mixed_in_a_file()
    {
        var bytes = Make("""{"a":{"dtype":"BF16","shape":[2],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]},"c":{"dtype":"F16","shape":[2],"data_offsets":[8,12]}}""", 0);
        float[] b = [0.1f];
        byte[] data = [0x80, 0x3F, 0x20, 0xC0, .. BitConverter.GetBytes(b[0]), 0x00, 0x3C, 0x00, 0xC1]; // 1, −2.5; 0.1; 1, −2.5
        var content = Safetensors.Read(new MemoryStream([.. bytes, .. data]), "mixed");
        Assert.Equal([1, -2.5f, 0.1f, 1, -2.5f], content.Parameters);
        Assert.Equal([0, 2, 3], content.Layout.Entries.Select(e => e.Offset));
    }

    [Fact]
    public void A_file_as_other_writers_make_it_is_read()
    {
        // Tensors in another order than their data, no metadata, no padding.
        var bytes = Make("""{"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", 12);
        var content = Safetensors.Read(new MemoryStream(bytes), "other");
        Assert.Equal(["a", "b"], content.Layout.Entries.Select(e => e.Name));
        Assert.Equal([1, 2, 3], content.Parameters);
    }

    [Theory]
    [InlineData("overlap", """{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}""", 12)]
    [InlineData("gap", """{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}}""", 12)]
    [InlineData("beyond-end", """{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}""", 12)]
    [InlineData("trailing-bytes", """{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", 12)]
    [InlineData("size-mismatch", """{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,12]}}""", 12)]
    [InlineData("bad-shape", """{"a":{"dtype":"F32","shape":[-3],"data_offsets":[0,12]}}""", 12)]
    [InlineData("bad-shape", """{"a":{"dtype":"F32","shape":[2000000000,2000000000,2000000000],"data_offsets":[0,12]}}""", 12)]
    [InlineData("bad-offsets", """{"a":{"dtype":"F32","shape":[3],"data_offsets":[-12,0]}}""", 12)]
    [InlineData("bad-offsets", """{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,1e99]}}""", 12)]
    [InlineData("other-type", """{"a":{"dtype":"I64","shape":[1],"data_offsets":[0,8]}}""", 12)]
    [InlineData("name-twice", """{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}""", 12)]
    [InlineData("bad-tensor", """{"a":[1,2]}""", 12)]
    [InlineData("bad-metadata", """{"__metadata__":{"x":1}}""", 0)]
    [InlineData("not-json", """{"a":""", 12)]
    [InlineData("not-json", """[]""", 0)]
    [InlineData("not-json", """{"a":{"b":{"c":{"d":{"e":1}}}}}""", 0)]
    public void A_header_that_lies_is_refused_by_name(string code, string header, int data)
    {
        var e = Assert.Throws<SafetensorsException>(() => Safetensors.Read(new MemoryStream(Make(header, data)), "hostile"));
        Assert.Equal(code, e.Code);
        Assert.Contains("hostile", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("too-short", new byte[] { 1, 2, 3 })]
    [InlineData("header-too-long", new byte[] { 255, 255, 255, 255, 255, 255, 255, 255, 1 })]
    [InlineData("header-too-long", new byte[] { 9, 0, 0, 0, 0, 0, 0, 0, 1 })]
    public void A_length_beyond_the_file_is_refused_before_memory_is_taken(string code, byte[] bytes) =>
        Assert.Equal(code, Assert.Throws<SafetensorsException>(() => Safetensors.Read(new MemoryStream(bytes), "hostile")).Code);

    [Theory]
    [InlineData("too-short", new byte[0])]
    [InlineData("too-short", new byte[] { 1, 2, 3 })]
    [InlineData("header-too-long", new byte[] { 9, 0, 0, 0, 0, 0, 0, 0, 1 })]
    [InlineData("beyond-end", null)]
    public void A_mapped_file_is_checked_before_it_is_read(string code, byte[]? bytes)
    {
        using var folder = new Folder();
        var path = folder.File("hostile.safetensors");
        if (bytes is null)
        {
            // Whole, but for its last byte: a mapping of whole pages would reach beyond it.
            Safetensors.Write(path, new ParameterLayout([new("weight", [2, 3], 0)]), new float[6]);
            bytes = File.ReadAllBytes(path)[..^1];
        }
        File.WriteAllBytes(path, bytes);
        var e = Assert.Throws<SafetensorsException>(() => Safetensors.Read(path));
        Assert.Equal(code, e.Code);
        Assert.Contains("hostile.safetensors", e.Message, StringComparison.Ordinal);
        File.Delete(path); // nothing holds it any more
    }

    [Fact]
    public void Another_model_is_refused_and_the_difference_is_named()
    {
        using var folder = new Folder();
        var path = folder.File("m.safetensors");
        Safetensors.Write(path, new ParameterLayout([new("weight", [2, 3], 0)]), new float[6]);
        var shape = Assert.Throws<SafetensorsException>(() => Safetensors.Read(path, new ParameterLayout([new("weight", [3, 2], 0)])));
        Assert.Contains("[2, 3]", shape.Message, StringComparison.Ordinal);
        var name = Assert.Throws<SafetensorsException>(() => Safetensors.Read(path, new ParameterLayout([new("other", [2, 3], 0)])));
        Assert.Equal("another-model", name.Code);
        Assert.Throws<SafetensorsException>(() => Safetensors.Read(path, new ParameterLayout([new("weight", [2, 3], 0), new("bias", [3], 6)])));
    }

    private static byte[] Make(string header, int data)
    {
        var text = Encoding.UTF8.GetBytes(header);
        var bytes = new byte[8 + text.Length + data];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, text.Length);
        text.CopyTo(bytes, 8);
        for (var i = 0; i < data / 4; i++) BinaryPrimitives.WriteSingleLittleEndian(bytes.AsSpan(8 + text.Length + 4 * i), i + 1);
        return bytes;
    }

    private sealed class Folder : IDisposable
    {
        public string Path { get; } = Directory.CreateTempSubdirectory("comity-").FullName;

        public string File(string name) => System.IO.Path.Combine(Path, name);

        public void Dispose() => Directory.Delete(Path, recursive: true);
    }
}
