using Comity.Tensors.Parameters;

namespace Comity.Learning.Models;

/// <summary>Indices of a layer's tensors in the layout. A bias follows its weight, a shift its scale.</summary>
internal readonly record struct TransformerLayer(int FirstNorm, int Qkv, int Output, int SecondNorm, int Up, int Down)
{
    public static TransformerLayer Add(ParameterLayoutBuilder builder, string name, TransformerSection section)
    {
        int width = section.Width, inner = section.FeedForwardWidth;
        return new TransformerLayer(
            AddNorm(builder, $"{name}.attention.norm", section),
            AddDense(builder, $"{name}.attention.qkv", width, 3 * width),
            AddDense(builder, $"{name}.attention.output", width, width),
            AddNorm(builder, $"{name}.feedForward.norm", section),
            AddDense(builder, $"{name}.feedForward.input", width, section.Unit == TransformerUnit.Gelu ? inner : 2 * inner),
            AddDense(builder, $"{name}.feedForward.output", inner, width));
    }

    public static int AddNorm(ParameterLayoutBuilder builder, string name, TransformerSection section)
    {
        var scale = builder.Add($"{name}.scale", ParameterRole.LayerNorm, section.Width);
        if (section.Norm == TransformerNorm.Layer) builder.Add($"{name}.shift", ParameterRole.LayerNorm, section.Width);
        return scale;
    }

    private static int AddDense(ParameterLayoutBuilder builder, string name, int inputs, int outputs)
    {
        var weight = builder.Add($"{name}.weight", ParameterRole.Weight, inputs, outputs);
        builder.Add($"{name}.bias", ParameterRole.Bias, outputs);
        return weight;
    }
}
