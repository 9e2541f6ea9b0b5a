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
        Assert.Equal(expected, together);
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
