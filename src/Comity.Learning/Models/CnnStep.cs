using Comity.Tensors;
using Comity.Tensors.Differentiation;
using Comity.Tensors.Parameters;

namespace Comity.Learning.Models;

/// <summary>One step of a convolutional network: knows where its parameters lie in the layout.</summary>
internal abstract record CnnStep
{
    public abstract Tensor Apply(Tape tape, Tensor x);

    public static ConvolutionStep Convolve(ParameterLayoutBuilder builder, string name, CnnSizes sizes, ConvLayerSection layer, Activation activation) =>
        Convolve(builder, name, sizes, layer.Channels, layer.Kernel, ConvolutionWindow.Square(layer.Stride, layer.PaddingOrSame, layer.Dilation, layer.Groups), layer.Norm, layer.NormParts, $"{name}.norm", activation);

    public static ResidualStep Residual(ParameterLayoutBuilder builder, string name, CnnSizes sizes, ResidualLayerSection layer, Activation activation)
    {
        var first = Convolve(builder, $"{name}.conv1", sizes, layer.Channels, 3, ConvolutionWindow.Square(layer.Stride, 1), layer.Norm, layer.NormParts, $"{name}.norm1", activation);
        var second = Convolve(builder, $"{name}.conv2", sizes.After(layer), layer.Channels, 3, ConvolutionWindow.Square(1, 1), layer.Norm, layer.NormParts, $"{name}.norm2", Activation.Identity);
        var shortcut = layer.Stride == 1 && sizes.Channels == layer.Channels
            ? null
            : Convolve(builder, $"{name}.shortcut", sizes, layer.Channels, 1, ConvolutionWindow.Square(layer.Stride), layer.Norm, layer.NormParts, $"{name}.shortcut.norm", Activation.Identity);
        return new ResidualStep(first, second, shortcut, activation);
    }

    public static DenseStep Dense(ParameterLayoutBuilder builder, string name, CnnSizes sizes, int units, Activation activation) =>
        new(builder.Add($"{name}.weight", ParameterRole.Weight, (int)sizes.Length, units), builder.Add($"{name}.bias", ParameterRole.Bias, units), activation);

    private static ConvolutionStep Convolve(ParameterLayoutBuilder builder, string name, CnnSizes sizes, int channels, int kernel, ConvolutionWindow window, ChannelNormalization norm, int parts, string normName, Activation activation)
    {
        ReadOnlySpan<int> shape = sizes.Form == CnnForm.Series ? [channels, sizes.Channels / window.Groups, kernel] : [channels, sizes.Channels / window.Groups, kernel, kernel];
        var weight = builder.Add($"{name}.weight", ParameterRole.Weight, shape);
        // A normalisation takes the mean away, and a bias with it.
        if (norm == ChannelNormalization.None) return new ConvolutionStep(weight, builder.Add($"{name}.bias", ParameterRole.Bias, channels), -1, 0, window, activation);
        var role = norm == ChannelNormalization.Batch ? ParameterRole.BatchNorm : ParameterRole.LayerNorm;
        var scale = builder.Add($"{normName}.scale", role, channels);
        builder.Add($"{normName}.shift", role, channels);
        if (norm != ChannelNormalization.Batch) return new ConvolutionStep(weight, -1, scale, parts, window, activation);
        builder.Add($"{normName}.mean", ParameterRole.BatchNormStatistic, channels);
        builder.Add($"{normName}.variance", ParameterRole.BatchNormStatistic, channels);
        return new ConvolutionStep(weight, -1, scale, 0, window, activation);
    }
}

/// <summary>Convolution, normalisation, activation.</summary>
/// <param name="Weight">Index of the weight.</param>
/// <param name="Bias">Index of the bias; −1: none.</param>
/// <param name="Scale">Index of the normalisation's scale, which shift and, of a batch's, mean and variance follow; −1: none.</param>
/// <param name="Parts">Groups of channels that are normalised image by image; 0: the batch is.</param>
/// <param name="Window">How the kernel moves.</param>
/// <param name="Activation">What follows.</param>
internal sealed record ConvolutionStep(int Weight, int Bias, int Scale, int Parts, ConvolutionWindow Window, Activation Activation) : CnnStep
{
    public override Tensor Apply(Tape tape, Tensor x)
    {
        if (Scale < 0) return tape.Convolution(x, tape.Parameter(Weight), tape.Parameter(Bias), Window, Activation);
        var y = tape.Convolution(x, tape.Parameter(Weight), null, Window);
        y = Parts > 0
            ? tape.GroupNorm(y, tape.Parameter(Scale), tape.Parameter(Scale + 1), Parts)
            : tape.BatchNorm(y, tape.Parameter(Scale), tape.Parameter(Scale + 1), tape.Parameter(Scale + 2), tape.Parameter(Scale + 3));
        return Activation == Activation.Identity ? y : tape.Activate(y, Activation);
    }
}

/// <summary>activation(second(first(x)) + shortcut(x)).</summary>
internal sealed record ResidualStep(ConvolutionStep First, ConvolutionStep Second, ConvolutionStep? Shortcut, Activation Activation) : CnnStep
{
    public override Tensor Apply(Tape tape, Tensor x) =>
        tape.Activate(tape.Add(Second.Apply(tape, First.Apply(tape, x)), Shortcut is null ? x : Shortcut.Apply(tape, x)), Activation);
}

/// <summary>The largest of each window, and the activation of what came before, if it was left to this step.</summary>
internal sealed record MaxPoolStep(PoolingWindow Window, Activation? Activation) : CnnStep
{
    public override Tensor Apply(Tape tape, Tensor x)
    {
        var y = tape.MaxPool(x, Window);
        return Activation is { } activation ? tape.Activate(y, activation) : y;
    }
}

/// <summary>The mean of each window.</summary>
internal sealed record AveragePoolStep(PoolingWindow Window) : CnnStep
{
    public override Tensor Apply(Tape tape, Tensor x) => tape.AveragePool(x, Window);
}

/// <summary>The mean of each channel.</summary>
internal sealed record GlobalAverageStep : CnnStep
{
    public override Tensor Apply(Tape tape, Tensor x) => tape.GlobalAveragePool(x);
}

/// <summary>Dropout.</summary>
internal sealed record DropoutStep(float Rate) : CnnStep
{
    public override Tensor Apply(Tape tape, Tensor x) => tape.Dropout(x, Rate);
}

/// <summary>A dense layer; an image before it is read channel by channel.</summary>
internal sealed record DenseStep(int Weight, int Bias, Activation Activation) : CnnStep
{
    public override Tensor Apply(Tape tape, Tensor x)
    {
        var shape = x.Shape;
        if (shape.Rank == 3) x = tape.Reshape(x, new Shape(shape[0], 1, shape[1], shape[2]));
        if (shape.Rank > 2) x = tape.Reshape(tape.ChannelsFirst(x), new Shape(shape[0], shape.Length / shape[0]));
        return tape.Dense(x, tape.Parameter(Weight), tape.Parameter(Bias), Activation);
    }
}
