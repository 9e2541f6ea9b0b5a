namespace Comity.Tensors.Differentiation;

/// <summary>Which operands the derivative rules write to.</summary>
internal enum GradientFlow
{
    /// <summary>All that need a gradient.</summary>
    Everything,

    /// <summary>All but parameters: what flows back through the values alone.</summary>
    Values,

    /// <summary>Parameters only.</summary>
    Parameters,
}
