using System.Text.Json;
using Comity.Declarations;
using Comity.Learning.Models;
using Comity.Tensors;
using Comity.Tensors.Differentiation;
using Comity.Tensors.Kernels;
using Comity.Tensors.Memory;
using Comity.Tensors.Parameters;
using Comity.Tensors.Randomness;

namespace Comity.Learning.Tests.Models;

/// <summary>Whole convolutional networks give PyTorch's scores, loss and gradients on the same weights and images, at every vector width.</summary>
public sealed class TorchCnnTests
{
    private const double Allowed = 1e-4;

    [Theory]
    [InlineData(VectorWidth.Scalar)]
    [InlineData(VectorWidth.Bits128)]
    [InlineData(VectorWidth.Bits256)]
    [InlineData(VectorWidth.Bits512)]
    public void A_network_gives_what_PyTorch_gives(VectorWidth width)
    {
        using var stream = typeof(TorchCnnTests).Assembly.GetManifestResourceStream("torch-cnn.json")!;
        using var vectors = JsonDocument.Parse(stream);
        var cases = vectors.RootElement.GetProperty("cases").EnumerateArray().ToArray();
        Assert.Equal(3, cases.Length);
        foreach (var one in cases) Compare(one, KernelSet.Of(width));
    }

    private static void Compare(JsonElement one, KernelSet kernels)
    {
        var problems = new ProblemList();
        var declared = one.GetProperty("network").GetString()!;
        var section = SectionReader.Read<ModelSection>(DeclaredFile.Parse("kind: cnn\n" + declared, "study.yaml", problems)!, problems);
        Assert.Empty(problems);
        var model = ModelFactory.Create(section!, new ImageInput(2, 8, 8), TaskKind.Multiclass, 3, kernels);
        var given = Floats(one, "parameters");
        Assert.True(given.Length == model.Layout.Length, $"{declared}: {given.Length} parameters for {model.Layout.Length}");
        AlignedBuffer parameters = new(given.Length), gradient = new(given.Length);
        given.CopyTo(parameters.Span);
        var tape = new Tape(model.Layout, kernels);
        tape.Begin(parameters, gradient, Seed.Of(1).ToRandom());
        var labels = Floats(one, "labels");
        var scores = model.Forward(tape, tape.Constant(Floats(one, "rows"), new Shape(labels.Length, model.Inputs)));
        var loss = tape.SoftmaxCrossEntropy(scores, labels);
        Near($"{declared}: scores", Floats(one, "scores"), scores.Values);
        Assert.Equal(one.GetProperty("loss").GetDouble(), loss.Scalar, Allowed);
        tape.Backward(loss);
        var expected = Floats(one, "gradient");
        foreach (var entry in model.Layout.Entries.Where(e => e.Role != ParameterRole.BatchNormStatistic))
            Near($"{declared}: gradient by {entry.Name}", model.Layout.Slice(expected, entry), model.Layout.Slice(gradient.Span, entry));
    }

    // Relative to the tensor's own size: a sum that happens to cancel has no relative accuracy of its own, there or here.
    private static void Near(string what, ReadOnlySpan<float> expected, ReadOnlySpan<float> actual)
    {
        double error = 0, size = 0;
        for (var i = 0; i < expected.Length; i++)
        {
            error = Math.Max(error, Math.Abs((double)expected[i] - actual[i]));
            size = Math.Max(size, Math.Abs(expected[i]));
        }
        Assert.True(expected.Length == actual.Length && error <= Allowed * Math.Max(size, 1e-3), $"{what}: off by {error / size:E2} of the largest value");
    }

    private static float[] Floats(JsonElement of, string name) => [.. of.GetProperty(name).EnumerateArray().Select(v => v.GetSingle())];
}
