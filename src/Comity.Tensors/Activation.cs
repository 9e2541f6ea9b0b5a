namespace Comity.Tensors;

/// <summary>The function between two layers.</summary>
public enum Activation
{
    /// <summary>x.</summary>
    Identity,

    /// <summary>max(x, 0).</summary>
    Relu,

    /// <summary>x above zero, 0.01·x below (Maas et al. 2013).</summary>
    LeakyRelu,

    /// <summary>x above zero, eˣ − 1 below (Clevert et al. 2016, arXiv:1511.07289, α = 1).</summary>
    Elu,

    /// <summary>x·Φ(x) with the exact normal distribution function (Hendrycks and Gimpel 2016, arXiv:1606.08415).</summary>
    Gelu,

    /// <summary>1 / (1 + e⁻ˣ).</summary>
    Sigmoid,

    /// <summary>Hyperbolic tangent.</summary>
    Tanh,
}
