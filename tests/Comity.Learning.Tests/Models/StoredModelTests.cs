using Comity.Learning.Models;
using Comity.Tensors;
using Comity.Tensors.Randomness;

namespace Comity.Learning.Tests.Models;

public sealed class StoredModelTests
{
    public static TheoryData<string> Kinds => ["mlp", "normalised", "logistic", "regression", "cnn"];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Weights_in_bf16_predict_like_the_rounded_weights_alone_and_together(string kind)
    {
        var model = ModelOf(kind);
        var (parameters, rows) = (Parameters(model), Rows(model, 5));
        var rounded = parameters.Select(p => BitConverter.UInt32BitsToSingle(Nearest(p))).ToArray();
        var stored = new StoredModel(model, parameters, FloatStorage.Bfloat16);
        float[] expected = new float[5 * model.Outputs], together = new float[5 * model.Outputs], alone = new float[model.Outputs];
        model.Predict(rounded, rows, 5, expected);
        stored.Predict(rows, 5, together);
        if (model is CnnNetwork) Near(expected, together); // its packed weights are multiplied in another order
        else Assert.Equal(expected, together);
        for (var i = 0; i < 5; i++)
        {
            stored.Predict(rows.AsSpan(i * model.Inputs, model.Inputs), 1, alone);
            for (var c = 0; c < model.Outputs; c++) Assert.Equal(expected[i * model.Outputs + c], alone[c], 1e-5f);
        }
    }

    [Theory]
    [InlineData(FloatStorage.Float32, 0)]
    [InlineData(FloatStorage.Float16, 0.005)]
    [InlineData(FloatStorage.Bfloat16, 0.03)]
    public void Probabilities_are_off_by_the_rounding_at_most(FloatStorage storage, double most)
    {
        var model = ModelOf("mlp");
        var (parameters, rows) = (Parameters(model), Rows(model, 50));
        float[] expected = new float[50 * model.Outputs], found = new float[50 * model.Outputs];
        model.Predict(parameters, rows, 50, expected);
        new StoredModel(model, parameters, storage).Predict(rows, 50, found);
        var difference = expected.Zip(found, (a, b) => Math.Abs(a - b)).Max();
        Assert.InRange(difference, 0, most);
        Assert.Equal(storage == FloatStorage.Float32, difference == 0);
    }

    public static TheoryData<string> Networks => ["two convolutions", "normalised by the batch, three channels, two classes", "without pooling", "a residual block"];

    [Theory]
    [MemberData(nameof(Networks))]
    public void A_packed_network_predicts_what_the_model_does(string name)
    {
        CnnLayerSection[] layers = name switch
        {
            "two convolutions" => [new ConvLayerSection { Channels = 9 }, new MaxPoolLayerSection(), new ConvLayerSection { Channels = 18 }, new MaxPoolLayerSection(), new DenseLayerSection { Units = 20 }],
            "without pooling" => [new ConvLayerSection { Channels = 8, Kernel = 3 }, new MaxPoolLayerSection(), new ConvLayerSection { Channels = 11 }, new DropoutLayerSection { Rate = 0.5 }],
            "a residual block" => [new ConvLayerSection { Channels = 8 }, new ResidualLayerSection { Channels = 8 }, new GlobalAverageLayerSection()],
            _ => [new ConvLayerSection { Channels = 10, Norm = ChannelNormalization.Batch }, new MaxPoolLayerSection(), new ConvLayerSection { Channels = 12, Norm = ChannelNormalization.Batch }],
        };
        var binary = name.Contains("two classes", StringComparison.Ordinal);
        var model = ModelFactory.Create(new CnnSection { Layers = layers }, new ImageInput(binary ? 3 : 1, 13, 12), binary ? TaskKind.Binary : TaskKind.Multiclass, binary ? 2 : 5);
        const int Count = 67; // more than are judged at once
        var (parameters, rows) = (Parameters(model), Rows(model, Count));
        foreach (var entry in model.Layout.Entries.Where(e => e.Name.EndsWith(".variance", StringComparison.Ordinal)))
            foreach (ref var v in model.Layout.Slice(parameters, entry)) v = 0.3f + Math.Abs(v);
        float[] expected = new float[Count * model.Outputs], found = new float[expected.Length], alone = new float[model.Outputs];
        model.Predict(parameters, rows, Count, expected);
        var stored = new StoredModel(model, parameters, FloatStorage.Float32);
        stored.Predict(rows, Count, found);
        Near(expected, found);
        stored.Predict(rows.AsSpan(5 * model.Inputs, model.Inputs), 1, alone);
        Near(expected[(5 * model.Outputs)..(6 * model.Outputs)], alone);
        stored.Predict([], 0, []);
        Assert.Throws<ArgumentException>(() => stored.Predict(new float[3], 1, new float[model.Outputs]));
    }

    private static void Near(float[] expected, float[] found)
    {
        Assert.Equal(expected.Length, found.Length);
        for (var i = 0; i < expected.Length; i++) Assert.Equal(expected[i], found[i], 2e-5f);
    }

    [Fact]
    public void A_row_or_a_vector_of_another_length_is_refused()
    {
        var model = ModelOf("mlp");
        var parameters = Parameters(model);
        Assert.Throws<ArgumentException>(() => new StoredModel(model, parameters.AsSpan(1), FloatStorage.Bfloat16));
        var stored = new StoredModel(model, parameters, FloatStorage.Bfloat16);
        Assert.Throws<ArgumentException>(() => stored.Predict(new float[3], 1, new float[model.Outputs]));
        Assert.Throws<ArgumentException>(() => stored.Predict(new float[model.Inputs], 1, new float[2]));
    }

    private static Model ModelOf(string kind) => kind switch
    {
        "mlp" => ModelFactory.Create(new MlpSection { Hidden = [130, 24], Activation = Activation.Gelu }, 37, TaskKind.Multiclass, 3),
        "normalised" => ModelFactory.Create(new MlpSection { Hidden = [16], Norm = Normalization.Layer }, 37, TaskKind.Binary, 2),
        "logistic" => ModelFactory.Create(new LogisticSection(), 37, TaskKind.Binary, 2),
        "regression" => ModelFactory.Create(new MlpSection { Hidden = [16] }, 37, TaskKind.Regression, 0),
        _ => ModelFactory.Create(new CnnSection { Layers = [new ConvLayerSection { Channels = 4 }, new MaxPoolLayerSection()] }, new ImageInput(1, 8, 8), TaskKind.Multiclass, 3),
    };

    private static float[] Parameters(Model model)
    {
        var random = Seed.Of(9).For("weights").ToRandom();
        var parameters = new float[model.Layout.Length];
        model.Initialise(parameters, random);
        foreach (ref var p in parameters.AsSpan()) p += 0.1f * (float)random.NextGaussian();
        return parameters;
    }

    private static float[] Rows(Model model, int rows)
    {
        var random = Seed.Of(9).For("rows").ToRandom();
        return [.. Enumerable.Range(0, rows * model.Inputs).Select(_ => (float)random.NextGaussian())];
    }

    // Written down a second time: to the nearest multiple of 2¹⁶ of the bits, ties to even.
    private static uint Nearest(float value)
    {
        var bits = BitConverter.SingleToUInt32Bits(value);
        var (below, rest) = (bits & 0xFFFF0000, bits & 0xFFFF);
        return rest > 0x8000 || (rest == 0x8000 && (below & 0x10000) != 0) ? below + 0x10000 : below;
    }
}
