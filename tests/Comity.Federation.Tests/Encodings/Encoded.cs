using Comity.Declarations;
using Comity.Federation.Encodings;
using Comity.Federation.Studies;
using Comity.Tensors.Parameters;
using Comity.Tensors.Randomness;

namespace Comity.Federation.Tests.Encodings;

/// <summary>Encodings as study files name them, and vectors to encode.</summary>
internal static class Encoded
{
    public static EncodingSection Section(string declared)
    {
        var problems = new ProblemList();
        var section = SectionReader.Read<EncodingSection>(DeclaredFile.Parse(declared, "study.yaml", problems)!, problems);
        Assert.Empty(problems);
        return section!;
    }

    public static VectorEncoding Of(string updates, ParameterLayout layout) => VectorEncoding.OfUpdates(Section($"updates: {updates}"), layout)!;

    public static VectorEncoding Of(string updates, int parameters) => Of(updates, Flat(parameters));

    public static VectorEncoding OfModel(string model, ParameterLayout layout) => VectorEncoding.OfModel(Section($"model: {model}"), layout)!;

    public static ParameterLayout Flat(int parameters) => new([new("w", [parameters], 0)]);

    /// <summary>Values of many magnitudes, zeros among them.</summary>
    public static float[] Values(int length, ulong seed = 5)
    {
        var random = Seed.Of(seed).For("values").ToRandom();
        return [.. Enumerable.Range(0, length).Select(_ => random.NextInt32(10) == 0 ? 0 : (float)(random.NextGaussian() * Math.Exp(random.NextGaussian() * 2)))];
    }

    public static float[] Pack(this VectorEncoding encoding, float[] values)
    {
        var packed = new float[encoding.PackedLength];
        Assert.Null(encoding.Encode(values, packed));
        return packed;
    }

    public static float[] Unpack(this VectorEncoding encoding, float[] packed)
    {
        var values = new float[encoding.Parameters];
        Assert.Null(encoding.Decode(packed, values));
        return values;
    }

    public static float[] There(this VectorEncoding encoding, float[] values) => encoding.Unpack(encoding.Pack(values));
}
