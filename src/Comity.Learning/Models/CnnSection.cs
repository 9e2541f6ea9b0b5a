using Comity.Declarations;
using Comity.Tensors;

namespace Comity.Learning.Models;

/// <summary>A convolutional network: layers one after another over an image, a spectrogram or a series, then an output for the label.</summary>
[Doc("A convolutional network over images, spectrograms or series: layers in order; the output for the label follows by itself.")]
public sealed record CnnSection : NetworkSection
{
    /// <inheritdoc/>
    public override string Kind => "cnn";

    /// <summary>The layers in order.</summary>
    [Doc("The layers in order, such as - { kind: conv, channels: 32 } and - max-pool. A series is an image of one row.")]
    [AtLeast(1)]
    public required IReadOnlyList<CnnLayerSection> Layers { get; init; }

    /// <summary>What follows convolutions, residual blocks and dense layers.</summary>
    [Doc("The activation after each convolution, residual block and dense layer.")]
    public Activation Activation { get; init; } = Activation.Relu;

    /// <inheritdoc/>
    public override void CheckTask(TaskKind task, Place at, ProblemList problems)
    {
        if (task.IsByToken()) problems.Add(Messages.Problem("model-needs-task", at, Kind, "classes, regression", TaskNames.Of(task), TextModels));
    }

    /// <inheritdoc/>
    public override void CheckInput(InputShape input, Place at, ProblemList problems)
    {
        if (input is not (ImageInput or SeriesInput))
        {
            problems.Add(Messages.Problem("model-needs-input", at, Kind, "image, series", InputNames.Of(input)));
            return;
        }
        if (CnnSizes.Misfit(this, input) is { } misfit)
            problems.Add(Messages.Problem("layer-misfit", at with { Path = $"{at.Path}.{misfit.Layer}" }, misfit.Layer, misfit.Arrived, misfit.Expected));
    }
}

/// <summary>One layer of a convolutional network.</summary>
[Doc("One layer of a convolutional network.")]
[Kind("conv", typeof(ConvLayerSection))]
[Kind("residual", typeof(ResidualLayerSection))]
[Kind("max-pool", typeof(MaxPoolLayerSection))]
[Kind("average-pool", typeof(AveragePoolLayerSection))]
[Kind("global-average", typeof(GlobalAverageLayerSection))]
[Kind("dropout", typeof(DropoutLayerSection))]
[Kind("dense", typeof(DenseLayerSection))]
public abstract record CnnLayerSection
{
    /// <summary>The name of the kind in the file.</summary>
    public abstract string Kind { get; }
}

/// <summary>Convolution, then normalisation, then activation.</summary>
[Doc("A convolution, then its normalisation if any, then the activation.")]
public sealed record ConvLayerSection : CnnLayerSection, ICheckedDeclaration
{
    /// <inheritdoc/>
    public override string Kind => "conv";

    /// <summary>Channels out.</summary>
    [Doc("Channels out.")]
    [Within(1, 65_536)]
    public required int Channels { get; init; }

    /// <summary>Rows and columns of the kernel.</summary>
    [Doc("Rows and columns of the kernel (of a series: its steps).")]
    [Within(1, 31)]
    public int Kernel { get; init; } = 3;

    /// <summary>Pixels from one output to the next.</summary>
    [Doc("Pixels from one output to the next, in both directions.")]
    [Within(1, 31)]
    public int Stride { get; init; } = 1;

    /// <summary>Zeros around the image; null: as many as keep its size at stride 1.</summary>
    [Doc("Zeros around the image. Left out: as many as keep its size at stride 1 and an odd kernel.")]
    [Within(0, 1000)]
    public int? Padding { get; init; }

    /// <summary>Pixels from one tap of the kernel to the next.</summary>
    [Doc("Pixels from one tap of the kernel to the next.")]
    [Within(1, 1000)]
    public int Dilation { get; init; } = 1;

    /// <summary>Parts into which the channels are cut; each part of the outputs sees its part of the inputs.</summary>
    [Doc("Parts into which the channels are cut; each part of the outputs sees its part of the inputs. As many as channels: depthwise.")]
    [Within(1, 65_536)]
    public int Groups { get; init; } = 1;

    /// <summary>Whether channels are normalised before the activation.</summary>
    [Doc("Normalisation of the channels before the activation: none, batch (over the images of a batch), group (over groups of channels of each image alone, which suits sites whose records differ) or layer (over all channels of each image).")]
    public ChannelNormalization Norm { get; init; } = ChannelNormalization.None;

    /// <summary>Groups of channels for <see cref="ChannelNormalization.Group"/>.</summary>
    [Doc("Groups of channels that norm: group normalises by themselves; they must divide the channels.")]
    [Within(1, 65_536)]
    public int NormGroups { get; init; } = 4;

    internal int NormParts => Norm == ChannelNormalization.Group ? NormGroups : 1;

    void ICheckedDeclaration.Check(DeclaredNode.Map at, ProblemList problems) => NormCheck.Groups(at, Norm, NormGroups, Channels, problems);

    internal int PaddingOrSame => Padding ?? (Kernel - 1) * Dilation / 2;
}

/// <summary>A residual block: two 3 × 3 convolutions, each normalised, whose outcome is added to what came in (He et al. 2016, arXiv:1512.03385).</summary>
[Doc("A residual block: two normalised 3 × 3 convolutions whose outcome is added to what came in, by a 1 × 1 convolution where the sizes differ.")]
public sealed record ResidualLayerSection : CnnLayerSection, ICheckedDeclaration
{
    /// <inheritdoc/>
    public override string Kind => "residual";

    /// <summary>Channels out.</summary>
    [Doc("Channels out.")]
    [Within(1, 65_536)]
    public required int Channels { get; init; }

    /// <summary>Stride of the first convolution.</summary>
    [Doc("Pixels from one output of the first convolution to the next; 2 halves the image.")]
    [Within(1, 31)]
    public int Stride { get; init; } = 1;

    /// <summary>How its convolutions are normalised.</summary>
    [Doc("Normalisation of its convolutions: batch (default), group, layer or none.")]
    public ChannelNormalization Norm { get; init; } = ChannelNormalization.Batch;

    /// <summary>Groups of channels for <see cref="ChannelNormalization.Group"/>.</summary>
    [Doc("Groups of channels that norm: group normalises by themselves; they must divide the channels.")]
    [Within(1, 65_536)]
    public int NormGroups { get; init; } = 4;

    internal int NormParts => Norm == ChannelNormalization.Group ? NormGroups : 1;

    void ICheckedDeclaration.Check(DeclaredNode.Map at, ProblemList problems) => NormCheck.Groups(at, Norm, NormGroups, Channels, problems);
}

/// <summary>The largest of each window.</summary>
[Doc("The largest value of each window, by channel.")]
public sealed record MaxPoolLayerSection : CnnLayerSection
{
    /// <inheritdoc/>
    public override string Kind => "max-pool";

    /// <summary>Rows and columns of the window.</summary>
    [Doc("Rows and columns of the window.")]
    [Within(1, 1000)]
    public int Size { get; init; } = 2;

    /// <summary>Pixels from one window to the next; null: side by side.</summary>
    [Doc("Pixels from one window to the next. Left out: windows lie side by side.")]
    [Within(1, 1000)]
    public int? Stride { get; init; }
}

/// <summary>The mean of each window.</summary>
[Doc("The mean of each window, by channel.")]
public sealed record AveragePoolLayerSection : CnnLayerSection
{
    /// <inheritdoc/>
    public override string Kind => "average-pool";

    /// <summary>Rows and columns of the window.</summary>
    [Doc("Rows and columns of the window.")]
    [Within(1, 1000)]
    public int Size { get; init; } = 2;

    /// <summary>Pixels from one window to the next; null: side by side.</summary>
    [Doc("Pixels from one window to the next. Left out: windows lie side by side.")]
    [Within(1, 1000)]
    public int? Stride { get; init; }
}

/// <summary>The mean of each channel over the whole image.</summary>
[Doc("The mean of each channel over the whole image; dense layers may follow.")]
public sealed record GlobalAverageLayerSection : CnnLayerSection
{
    /// <inheritdoc/>
    public override string Kind => "global-average";
}

/// <summary>Zeroes values at random in training.</summary>
[Doc("Zeroes a share of the values at random in training.")]
public sealed record DropoutLayerSection : CnnLayerSection
{
    /// <inheritdoc/>
    public override string Kind => "dropout";

    /// <summary>Share that is zeroed.</summary>
    [Doc("Share of the values that are zeroed.")]
    [Within(0, 1, BelowHigh = true)]
    public double Rate { get; init; } = 0.5;
}

/// <summary>A dense layer over all values, channel by channel as in every library of the field.</summary>
[Doc("A dense layer over all values, then the activation.")]
public sealed record DenseLayerSection : CnnLayerSection
{
    /// <inheritdoc/>
    public override string Kind => "dense";

    /// <summary>Units.</summary>
    [Doc("Units of the layer.")]
    [Within(1, 65_536)]
    public required int Units { get; init; }
}

/// <summary>How channels are normalised.</summary>
public enum ChannelNormalization
{
    /// <summary>Not at all.</summary>
    None,

    /// <summary>Over the images of a batch and their pixels, with running statistics for prediction (Ioffe and Szegedy 2015, arXiv:1502.03167).</summary>
    Batch,

    /// <summary>Over the pixels of groups of channels, each image by itself (Wu and He 2018, arXiv:1803.08494).</summary>
    Group,

    /// <summary>Over all pixels and channels of each image: one group.</summary>
    Layer,
}

/// <summary>Whether groups fit the channels.</summary>
internal static class NormCheck
{
    public static void Groups(DeclaredNode.Map at, ChannelNormalization norm, int groups, int channels, ProblemList problems)
    {
        if (norm != ChannelNormalization.Group)
        {
            if (at["normGroups"] is { } node) problems.Add(Messages.Problem("groups-without-norm", node.Place, System.Text.Json.JsonNamingPolicy.KebabCaseLower.ConvertName(norm.ToString())));
        }
        else if (channels % groups != 0) problems.Add(Messages.Problem("norm-groups", (at["normGroups"] ?? at["norm"])!.Place, channels, groups));
    }
}
