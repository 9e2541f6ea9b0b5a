using Comity.Tensors.Kernels;

namespace Comity.Tensors.Differentiation;

/// <summary>Layers over images [images, height, width, channels] and series [sequences, steps, channels]: channels last, so that they are the vector side.</summary>
/// <remarks>A series is an image of one row: all of these take both. Weights have the shapes of the field, [outputs, inputs/groups, height, width] and [outputs, inputs/groups, width].</remarks>
public static unsafe class Images
{
    private const int MostTaps = 1024;

    /// <summary>activation(weight ∗ x + bias): cross-correlation, as in every library of the field.</summary>
    /// <param name="tape">The tape.</param>
    /// <param name="x">Shape [images, height, width, inputs] or [sequences, steps, inputs].</param>
    /// <param name="weight">Shape [outputs, inputs/groups, height, width] or [outputs, inputs/groups, width].</param>
    /// <param name="bias">Shape [outputs]; null: none.</param>
    /// <param name="window">Stride, padding, dilation, groups; null: <see cref="ConvolutionWindow.Plain"/>.</param>
    /// <param name="activation">What follows.</param>
    /// <exception cref="ArgumentException">The shapes do not fit.</exception>
    public static Tensor Convolution(this Tape tape, Tensor x, Tensor weight, Tensor? bias = null, ConvolutionWindow? window = null, Activation activation = Activation.Identity)
    {
        window ??= ConvolutionWindow.Plain;
        var (images, height, width, inputs) = Sizes(x.Shape);
        var shape = ShapeOf(images, height, width, inputs, weight.Shape, x.Shape.Rank, window);
        if (weight.Shape[1] * window.Groups != inputs)
            throw new ArgumentException($"{x.Shape} with {inputs} channels arrived; the weight {weight.Shape} in {window.Groups} groups expects {weight.Shape[1] * window.Groups}.", nameof(x));
        if (shape.Rows.Outputs < 1 || shape.Columns.Outputs < 1) throw new ArgumentException($"The kernel of {weight.Shape} does not fit into {x.Shape} with a padding of {window.PaddingY} and {window.PaddingX}.", nameof(weight));
        var value = tape.Take(shape.Images * shape.OutputImage);
        tape.Kernels.Convolve(shape, tape.Node(x.Index).Value, tape.Node(weight.Index).Value, BiasOf(tape, bias, shape.Outputs), value);
        var result = x.Shape.Rank == 3 ? new Shape(images, shape.Columns.Outputs, shape.Outputs) : new Shape(images, shape.Rows.Outputs, shape.Columns.Outputs, shape.Outputs);
        return Finish(tape, Operation.Convolution, result, value, x, weight, bias, shape, activation);
    }

    /// <summary>activation(weightᵀ ∗ x + bias): the convolution's derivative by its input, used as a layer that enlarges.</summary>
    /// <param name="tape">The tape.</param>
    /// <param name="x">Shape [images, height, width, inputs] or [sequences, steps, inputs].</param>
    /// <param name="weight">Shape [inputs, outputs/groups, height, width] or [inputs, outputs/groups, width].</param>
    /// <param name="bias">Shape [outputs]; null: none.</param>
    /// <param name="window">Stride, padding (taken away from the output), dilation, groups; null: <see cref="ConvolutionWindow.Plain"/>.</param>
    /// <param name="extraRows">Rows added at the bottom, fewer than the stride: which of the sizes that a convolution maps to x is meant.</param>
    /// <param name="extraColumns">Columns added at the right, fewer than the stride.</param>
    /// <param name="activation">What follows.</param>
    /// <exception cref="ArgumentException">The shapes do not fit.</exception>
    public static Tensor TransposedConvolution(this Tape tape, Tensor x, Tensor weight, Tensor? bias = null, ConvolutionWindow? window = null, int extraRows = 0, int extraColumns = 0, Activation activation = Activation.Identity)
    {
        window ??= ConvolutionWindow.Plain;
        var (images, height, width, inputs) = Sizes(x.Shape);
        if (extraRows < 0 || extraRows >= window.StrideY || extraColumns < 0 || extraColumns >= window.StrideX)
            throw new ArgumentException($"{extraRows} extra rows and {extraColumns} extra columns were asked for; they are fewer than the stride.", nameof(extraRows));
        if (weight.Shape.Rank != x.Shape.Rank) throw new ArgumentException($"A weight of shape {weight.Shape} does not fit {x.Shape}.", nameof(weight));
        var flat = x.Shape.Rank == 3;
        int Enlarged(int size, int taps, int stride, int padding, int dilation, int extra) => (size - 1) * stride - 2 * padding + (taps - 1) * dilation + 1 + extra;
        int rows = flat ? 1 : Enlarged(height, weight.Shape[2], window.StrideY, window.PaddingY, window.DilationY, extraRows);
        var columns = Enlarged(width, weight.Shape.Columns, window.StrideX, window.PaddingX, window.DilationX, extraColumns);
        if (rows < 1 || columns < 1) throw new ArgumentException($"A padding of {window.PaddingY} and {window.PaddingX} leaves nothing of the output.", nameof(window));
        var outputs = weight.Shape[1] * window.Groups;
        // The convolution that this one is the transpose of: it would turn the output into x.
        var shape = ShapeOf(images, rows, columns, outputs, weight.Shape, x.Shape.Rank, window);
        if (shape.Outputs != inputs) throw new ArgumentException($"{x.Shape} with {inputs} channels arrived; the weight {weight.Shape} expects {shape.Outputs}.", nameof(x));
        var value = tape.Take(shape.Images * shape.InputImage);
        tape.Kernels.ConvolveInputRule(shape, tape.Node(x.Index).Value, tape.Node(weight.Index).Value, BiasOf(tape, bias, outputs), value);
        return Finish(tape, Operation.TransposedConvolution, flat ? new Shape(images, columns, outputs) : new Shape(images, rows, columns, outputs), value, x, weight, bias, shape, activation);
    }

    /// <summary>The largest value of each window, by channel.</summary>
    /// <param name="tape">The tape.</param>
    /// <param name="x">Shape [images, height, width, channels] or [sequences, steps, channels].</param>
    /// <param name="window">The window.</param>
    /// <exception cref="ArgumentException">The window does not fit.</exception>
    public static Tensor MaxPool(this Tape tape, Tensor x, PoolingWindow window)
    {
        var shape = ShapeOf(x.Shape, window);
        float* value = tape.Take(shape.Images * shape.Output), place = tape.Take(shape.Images * shape.Output);
        tape.Kernels.PoolLargest(shape, tape.Node(x.Index).Value, value, place);
        return Finish(tape, Operation.MaxPool, x, value, place, shape);
    }

    /// <summary>The mean of each window, by channel; what a window covers beyond the edges does not count.</summary>
    /// <param name="tape">The tape.</param>
    /// <param name="x">Shape [images, height, width, channels] or [sequences, steps, channels].</param>
    /// <param name="window">The window.</param>
    /// <exception cref="ArgumentException">The window does not fit.</exception>
    public static Tensor AveragePool(this Tape tape, Tensor x, PoolingWindow window)
    {
        var shape = ShapeOf(x.Shape, window);
        var value = tape.Take(shape.Images * shape.Output);
        tape.Kernels.PoolMean(shape, tape.Node(x.Index).Value, value);
        return Finish(tape, Operation.AveragePool, x, value, null, shape);
    }

    /// <summary>The mean of each channel over the whole image or series.</summary>
    /// <param name="tape">The tape.</param>
    /// <param name="x">Shape [images, height, width, channels] or [sequences, steps, channels].</param>
    /// <returns>Shape [images, channels].</returns>
    public static Tensor GlobalAveragePool(this Tape tape, Tensor x)
    {
        var (images, height, width, channels) = Sizes(x.Shape);
        var shape = new PoolingShape(images, channels, new ConvolutionAxis(height, height, height, 0, 1), new ConvolutionAxis(width, width, width, 0, 1));
        var value = tape.Take((nint)images * channels);
        tape.Kernels.PoolMean(shape, tape.Node(x.Index).Value, value);
        Keep(tape, ref tape.Append(Operation.AveragePool, new Shape(images, channels), value, x.Index), shape);
        return tape.Last;
    }

    /// <summary>[images, channels, height, width] as [images, height, width, channels].</summary>
    public static Tensor ChannelsLast(this Tape tape, Tensor x)
    {
        var from = x.Shape;
        if (from.Rank != 4) throw new ArgumentException($"Images have four sizes, unlike {from}.", nameof(x));
        var shape = new Shape(from[0], from[2], from[3], from[1]);
        if (from[1] == 1) return tape.Reshape(x, shape);
        var value = tape.Take(shape.Length);
        Transpose(tape.Node(x.Index).Value, from[0], from[1], from[2] * from[3], value);
        tape.Append(Operation.ChannelsLast, shape, value, x.Index);
        return tape.Last;
    }

    /// <summary>[images, height, width, channels] as [images, channels, height, width].</summary>
    public static Tensor ChannelsFirst(this Tape tape, Tensor x)
    {
        var from = x.Shape;
        if (from.Rank != 4) throw new ArgumentException($"Images have four sizes, unlike {from}.", nameof(x));
        var shape = new Shape(from[0], from[3], from[1], from[2]);
        if (from[3] == 1 || from[1] * from[2] == 1) return tape.Reshape(x, shape);
        var value = tape.Take(shape.Length);
        Transpose(tape.Node(x.Index).Value, from[0], from[1] * from[2], from[3], value);
        tape.Append(Operation.ChannelsFirst, shape, value, x.Index);
        return tape.Last;
    }

    // target[n, j, i] = source[n, i, j]
    internal static void Transpose(float* source, int images, int rows, int columns, float* target)
    {
        var size = (nint)rows * columns;
        for (nint n = 0; n < images; n++) GemmPacking.Columns(source + n * size, columns, rows, columns, target + n * size, rows);
    }

    private static Tensor Finish(Tape tape, Operation operation, Shape result, float* value, Tensor x, Tensor weight, Tensor? bias, in ConvolutionShape shape, Activation activation)
    {
        var length = result.Length;
        var saved = value;
        if (activation == Activation.Gelu && tape.Records)
        {
            // The only activation whose derivative cannot be told from its value: it takes the convolution's place.
            value = tape.Take(length);
            tape.Kernels.GeluAndRule(saved, value, length);
        }
        else if (activation != Activation.Identity)
        {
            tape.Kernels.Apply((Function)activation, value, value, length);
        }
        ref var node = ref tape.Append(operation, result, value, x.Index, weight.Index, bias?.Index ?? -1);
        node.Option = (int)activation;
        node.Saved = saved;
        Keep(tape, ref node, shape);
        return tape.Last;
    }

    private static Tensor Finish(Tape tape, Operation operation, Tensor x, float* value, float* place, in PoolingShape shape)
    {
        var result = x.Shape.Rank == 3 ? new Shape(shape.Images, shape.Columns.Outputs, shape.Channels) : new Shape(shape.Images, shape.Rows.Outputs, shape.Columns.Outputs, shape.Channels);
        ref var node = ref tape.Append(operation, result, value, x.Index);
        node.Saved = place;
        Keep(tape, ref node, shape);
        return tape.Last;
    }

    // The rule needs the sizes again.
    private static void Keep<T>(Tape tape, ref Node node, in T shape) where T : unmanaged
    {
        var memory = (T*)tape.Take((sizeof(T) + sizeof(float) - 1) / sizeof(float));
        *memory = shape;
        node.SavedToo = (float*)memory;
    }

    private static (int Images, int Height, int Width, int Channels) Sizes(Shape shape) => shape.Rank switch
    {
        4 => (shape[0], shape[1], shape[2], shape[3]),
        3 => (shape[0], 1, shape[1], shape[2]),
        _ => throw new ArgumentException($"[images, height, width, channels] or [sequences, steps, channels] was expected, not {shape}.", nameof(shape)),
    };

    private static ConvolutionShape ShapeOf(int images, int height, int width, int inputs, Shape weight, int rank, ConvolutionWindow window)
    {
        if (weight.Rank != rank) throw new ArgumentException($"A weight of shape {weight} does not fit an input with {rank} sizes.", nameof(weight));
        if (window.StrideY < 1 || window.StrideX < 1 || window.DilationY < 1 || window.DilationX < 1 || window.PaddingY < 0 || window.PaddingX < 0 || window.Groups < 1)
            throw new ArgumentException($"{window} has a stride, a dilation or groups below 1, or a padding below 0.", nameof(window));
        if (inputs % window.Groups != 0 || weight[0] % window.Groups != 0) throw new ArgumentException($"{inputs} and {weight[0]} channels cannot be cut into {window.Groups} groups.", nameof(window));
        var flat = rank == 3;
        var rows = flat ? new ConvolutionAxis(1, 1, 1, 0, 1) : new ConvolutionAxis(height, weight[2], window.StrideY, window.PaddingY, window.DilationY);
        var columns = new ConvolutionAxis(width, weight.Columns, window.StrideX, window.PaddingX, window.DilationX);
        if (rows.Taps * columns.Taps > MostTaps) throw new ArgumentException($"The kernel of {weight} has more than {MostTaps} taps.", nameof(weight));
        return new ConvolutionShape(images, inputs, weight[0], window.Groups, rows, columns);
    }

    private static PoolingShape ShapeOf(Shape x, PoolingWindow window)
    {
        ArgumentNullException.ThrowIfNull(window);
        var (images, height, width, channels) = Sizes(x);
        var flat = x.Rank == 3;
        var rows = flat ? new ConvolutionAxis(1, 1, 1, 0, 1) : new ConvolutionAxis(height, window.Height, window.StrideY, window.PaddingY, 1);
        var columns = new ConvolutionAxis(width, window.Width, window.StrideX, window.PaddingX, 1);
        if (rows.Taps < 1 || columns.Taps < 1 || rows.Stride < 1 || columns.Stride < 1 || rows.Padding < 0 || columns.Padding < 0 || 2 * rows.Padding > rows.Taps || 2 * columns.Padding > columns.Taps)
            throw new ArgumentException($"{window} has a size or stride below 1, or a padding beyond half a window.", nameof(window));
        if (rows.Outputs < 1 || columns.Outputs < 1) throw new ArgumentException($"{window} does not fit into {x}.", nameof(window));
        return new PoolingShape(images, channels, rows, columns);
    }

    private static float* BiasOf(Tape tape, Tensor? bias, int outputs)
    {
        if (bias is not { } b) return null;
        if (b.Shape.Length != outputs) throw new ArgumentException($"A bias of shape {b.Shape} does not fit {outputs} channels.", nameof(bias));
        return tape.Node(b.Index).Value;
    }
}
