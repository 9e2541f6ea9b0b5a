using System.Text.Json;
using Comity.Tensors.Differentiation;
using Comity.Tensors.Kernels;
using Comity.Tensors.Memory;
using Comity.Tensors.Parameters;
using Comity.Tensors.Randomness;

namespace Comity.Tensors.Tests.Differentiation;

/// <summary>Outputs and gradients are those of PyTorch on the same weights and inputs: committed vectors everywhere, larger ones where bench/parity made them.</summary>
public sealed class TorchParityTests
{
    private const double Allowed = 1e-4;

    [Theory]
    [InlineData(VectorWidth.Scalar)]
    [InlineData(VectorWidth.Bits128)]
    [InlineData(VectorWidth.Bits256)]
    [InlineData(VectorWidth.Bits512)]
    public void Every_layer_gives_what_PyTorch_gives(VectorWidth width)
    {
        using var vectors = Vectors();
        var cases = vectors.RootElement.GetProperty("cases").EnumerateArray().ToArray();
        Assert.True(cases.Length >= 30);
        foreach (var one in cases) Compare(one, KernelSet.Of(width)); // one by one: a message of Assert.All would hold all the numbers
    }

    private static JsonDocument Vectors()
    {
        if (Environment.GetEnvironmentVariable("COMITY_PARITY") is { Length: > 0 } larger) return JsonDocument.Parse(File.ReadAllBytes(larger));
        using var stream = typeof(TorchParityTests).Assembly.GetManifestResourceStream("torch.json")!;
        return JsonDocument.Parse(stream);
    }

    private static void Compare(JsonElement one, KernelSet kernels)
    {
        var name = one.GetProperty("name").GetString()!;
        var inputs = one.GetProperty("inputs").EnumerateObject().ToArray();
        var builder = new ParameterLayoutBuilder();
        foreach (var input in inputs) builder.Add(input.Name, ParameterRole.Weight, [.. input.Value.GetProperty("shape").EnumerateArray().Select(s => s.GetInt32())]);
        var layout = builder.Build();
        var (parameters, gradient) = (new AlignedBuffer(layout.Length), new AlignedBuffer(layout.Length));
        for (var i = 0; i < inputs.Length; i++) Floats(inputs[i].Value.GetProperty("values")).CopyTo(layout.Slice(parameters.Span, layout.Entries[i]));

        var tape = new Tape(layout, kernels);
        tape.Begin(parameters, gradient, Seed.Of(1).ToRandom());
        var named = inputs.Select((input, i) => (input.Name, Tensor: tape.Parameter(i))).ToDictionary(p => p.Name, p => p.Tensor);
        var y = Build(tape, name, named, one.GetProperty("options"));
        var weights = Enumerable.Range(0, y.Shape.Length).Select(i => 0.3f + 7 * i % 11 / 10f).ToArray();
        tape.Backward(tape.Sum(tape.Multiply(tape.Reshape(y, new Shape(y.Shape.Length)), tape.Constant(weights, new Shape(weights.Length)))));

        Near($"{name} {one.GetProperty("options")}: output", Floats(one.GetProperty("output")), y.Values);
        var gradients = one.GetProperty("gradients");
        for (var i = 0; i < inputs.Length; i++)
            Near($"{name} {one.GetProperty("options")}: gradient by {inputs[i].Name}", Floats(gradients.GetProperty(inputs[i].Name)), layout.Slice(gradient.Span, layout.Entries[i]));
    }

    // Relative to the tensor's own size: a sum that happens to cancel has no relative accuracy of its own, there or here.
    private static void Near(string what, float[] expected, ReadOnlySpan<float> actual)
    {
        Assert.True(expected.Length == actual.Length, $"{what}: {actual.Length} values instead of {expected.Length}");
        double error = 0, size = 0;
        for (var i = 0; i < expected.Length; i++)
        {
            error = Math.Max(error, Math.Abs((double)expected[i] - actual[i]));
            size = Math.Max(size, Math.Abs(expected[i]));
        }
        Assert.True(error <= Allowed * Math.Max(size, 1e-3), $"{what}: off by {error / size:E2} of the largest value");
    }

    private static Tensor Build(Tape tape, string name, Dictionary<string, Tensor> x, JsonElement options)
    {
        int Whole(string key) => options.GetProperty(key).GetInt32();
        bool Is(string key) => options.GetProperty(key).GetBoolean();
        int[] Wholes(string key) => [.. options.GetProperty(key).EnumerateArray().Select(v => v.GetInt32())];
        float[] Targets() => Floats(options.GetProperty("targets"));
        switch (name)
        {
            case "dense": return tape.Dense(x["x"], x["w"], x["b"], Enum.Parse<Activation>(options.GetProperty("activation").GetString()!.Replace("-", "", StringComparison.Ordinal), ignoreCase: true));
            case "layer-norm": return tape.LayerNorm(x["x"], x["scale"], x["shift"]);
            case "rms-norm": return tape.RmsNorm(x["x"], x["scale"]);
            case "batch-norm":
                var n = x["x"].Shape.Columns;
                return tape.BatchNorm(x["x"], x["scale"], x["shift"], tape.Constant(new float[n], new Shape(n)), tape.Constant(new float[n], new Shape(n)));
            case "softmax": return tape.Softmax(x["x"]);
            case "swiglu": return tape.SwiGlu(x["x"]);
            case "cross-entropy": return tape.SoftmaxCrossEntropy(x["x"], [.. Wholes("labels").Select(l => (float)l)], default, options.GetProperty("smoothing").GetSingle());
            case "sigmoid-cross-entropy": return tape.SigmoidCrossEntropy(x["x"], Targets());
            case "mse": return tape.MeanSquaredError(x["x"], Targets());
            case "mae": return tape.MeanAbsoluteError(x["x"], Targets());
            case "huber": return tape.Huber(x["x"], Targets(), options.GetProperty("delta").GetSingle());
            case "embedding":
                var tokens = Wholes("tokens");
                return tape.Embed(tape.Constant([.. tokens.Select(t => (float)t)], new Shape(tokens.Length)), x["table"]);
            case "attention": return Attention(tape, x["qkv"], Whole("heads"), Is("causal"), Wholes("lengths"), Is("rotary"));
            case "recurrent": return Recurrent(tape, x, Enum.Parse<RecurrentKind>(options.GetProperty("kind").GetString()!, ignoreCase: true), Wholes("lengths"));
            case "convolution": return tape.Convolution(x["x"], x["w"], x["b"], ConvolutionWindow.Square(Whole("stride"), Whole("padding"), Whole("dilation"), Whole("groups")));
            case "max-pool": return tape.MaxPool(x["x"], PoolingWindow.Square(2));
            case "average-pool": return tape.AveragePool(x["x"], PoolingWindow.Square(2));
            default: throw new ArgumentException($"The vectors hold a layer '{name}' that this test does not know.", nameof(name));
        }
    }

    private static Tensor Attention(Tape tape, Tensor qkv, int heads, bool causal, int[] lengths, bool rotary)
    {
        int steps = qkv.Shape[1], d = qkv.Shape[2] / 3 / heads;
        var turns = new float[rotary ? steps * d : 0];
        for (var t = 0; rotary && t < steps; t++)
        {
            for (var j = 0; j < d / 2; j++)
            {
                var angle = t * Math.Pow(10_000, -2.0 * j / d);
                (turns[t * d + j], turns[t * d + d / 2 + j]) = ((float)Math.Cos(angle), (float)Math.Sin(angle));
            }
        }
        return tape.Attention(qkv, heads, causal, lengths, turns);
    }

    private static Tensor Recurrent(Tape tape, Dictionary<string, Tensor> x, RecurrentKind kind, int[] lengths)
    {
        int steps = x["x"].Shape[0], batch = x["x"].Shape[1];
        Tensor One(string side, bool reverse)
        {
            var gates = tape.Dense(x["x"], x[side + "Input"], x[side + "InputBias"]);
            var states = tape.Recurrent(kind, tape.Reshape(gates, new Shape(steps, batch, gates.Shape.Columns)), x[side + "State"], x[side + "StateBias"], reverse, lengths);
            return tape.Block(tape.Reshape(states, new Shape(steps * batch, states.Shape.Columns)), reverse ? 0 : (steps - 1) * batch, batch);
        }
        return tape.Concat(One("forward", false), One("backward", true));
    }

    private static float[] Floats(JsonElement values) => [.. values.EnumerateArray().Select(v => v.GetSingle())];
}
