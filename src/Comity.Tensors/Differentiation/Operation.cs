namespace Comity.Tensors.Differentiation;

/// <summary>What a node on the tape did. <see cref="DerivativeRules"/> has one rule for each.</summary>
internal enum Operation
{
    /// <summary>A constant or input: nothing flows further.</summary>
    Leaf,

    /// <summary>A slice of the flat parameter vector: its gradient lies in the flat gradient.</summary>
    Parameter,
    Reshape,
    Add,
    Subtract,
    Multiply,
    Divide,
    AddRow,
    Affine,
    Function,
    MatrixProduct,
    Dense,
    Dropout,
    LayerNorm,
    BatchNorm,
    GroupNorm,
    Softmax,
    Sum,
    Mean,
    SoftmaxCrossEntropy,
    SigmoidCrossEntropy,
    ValueLoss,
    RmsNorm,
    Gather,
    Scatter,
    Concat,
    SwapAxes,
    StepMean,
    SwiGlu,
    Attention,
    Recurrent,
    Convolution,
    TransposedConvolution,
    MaxPool,
    AveragePool,
    ChannelsLast,
    ChannelsFirst,
    Broadcast,
    AxisSum,
}
