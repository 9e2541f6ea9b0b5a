namespace Comity.Tensors.Kernels;

/// <summary>Kernels of images with channels last: convolution, pooling, normalisation of channels.</summary>
public abstract unsafe partial class KernelSet
{
    internal abstract void Convolve(in ConvolutionShape shape, float* x, float* w, float* start, float* y);

    internal abstract void ConvolveInputRule(in ConvolutionShape shape, float* dy, float* w, float* start, float* dx);

    internal abstract void ConvolveWeightRule(in ConvolutionShape shape, float* x, float* dy, float* dw, bool accumulate);

    /// <summary>squares[e] += ‖∂L/∂w‖² of each example, which owns as many neighbouring images as the others.</summary>
    internal abstract void ConvolveWeightNorms(in ConvolutionShape shape, int examples, float* x, float* dy, double* squares);

    /// <summary>Floats of a convolution's weights, packed for predictions with them.</summary>
    internal abstract nint PackedLength(in PlainConvolution shape);

    /// <summary>Packs a convolution's weights [outputs, inputs, taps, taps] for predictions with them.</summary>
    internal abstract void Pack(in PlainConvolution shape, float* w, float* packed);

    /// <summary>One image through a convolution with packed weights.</summary>
    internal abstract void Convolve(in PlainConvolution shape, float* x, float* packed, float* bias, float* y);

    internal abstract void PoolLargest(in PoolingShape shape, float* x, float* y, float* place);

    internal abstract void PoolLargestRule(in PoolingShape shape, float* dy, float* place, float* dx, bool accumulate);

    internal abstract void PoolMean(in PoolingShape shape, float* x, float* y);

    internal abstract void PoolMeanRule(in PoolingShape shape, float* dy, float* dx, bool accumulate);

    internal abstract void ColumnSquares(float* x, float* mean, int rows, int columns, float* squares);

    internal abstract void ColumnScale(float* x, float* mean, float* factor, float* shift, float* y, int rows, int columns);

    internal abstract void ColumnNormSums(float* g, float* x, float* mean, int rows, int columns, float* sums, float* products);

    internal abstract void ColumnNormRule(float* g, float* x, float* mean, float* factor, float* along, float* level, float* dx, int rows, int columns, bool accumulate);
}

/// <summary>Binds the kernels of images to a width.</summary>
internal sealed unsafe partial class KernelSet<TWide>
{
    internal override nint PackedLength(in PlainConvolution shape) => shape.IsWinograd ? Winograd<TWide>.Length(shape) : PooledConvolution<TWide>.Length(shape);

    internal override void Pack(in PlainConvolution shape, float* w, float* packed)
    {
        if (shape.IsWinograd) Winograd<TWide>.Pack(shape, w, packed);
        else PooledConvolution<TWide>.Pack(shape, w, packed);
    }

    internal override void Convolve(in PlainConvolution shape, float* x, float* packed, float* bias, float* y)
    {
        if (shape.IsWinograd) Winograd<TWide>.Run(shape, x, packed, bias, y);
        else PooledConvolution<TWide>.Run(shape, x, packed, bias, y);
    }

    internal override void PoolMean(in PoolingShape shape, float* x, float* y) => PoolingKernels<TWide>.Mean(shape, x, y);

    internal override void PoolMeanRule(in PoolingShape shape, float* dy, float* dx, bool accumulate) => PoolingKernels<TWide>.MeanRule(shape, dy, dx, accumulate);

    internal override void ColumnSquares(float* x, float* mean, int rows, int columns, float* squares) => ColumnNormKernels<TWide>.Squares(x, mean, rows, columns, squares);

    internal override void ColumnScale(float* x, float* mean, float* factor, float* shift, float* y, int rows, int columns) => ColumnNormKernels<TWide>.Scale(x, mean, factor, shift, y, rows, columns);

    internal override void ColumnNormSums(float* g, float* x, float* mean, int rows, int columns, float* sums, float* products) =>
        ColumnNormKernels<TWide>.Sums(g, x, mean, rows, columns, sums, products);

    internal override void ColumnNormRule(float* g, float* x, float* mean, float* factor, float* along, float* level, float* dx, int rows, int columns, bool accumulate) =>
        ColumnNormKernels<TWide>.Rule(g, x, mean, factor, along, level, dx, rows, columns, accumulate);
}
