namespace Comity.Tensors.Kernels;

/// <summary>Width of the vector registers that kernels use. One width gives the same bits on every processor.</summary>
public enum VectorWidth
{
    /// <summary>One float at a time.</summary>
    Scalar = 32,

    /// <summary>128 bits: Arm, and any x64.</summary>
    Bits128 = 128,

    /// <summary>256 bits: AVX2.</summary>
    Bits256 = 256,

    /// <summary>512 bits: AVX-512.</summary>
    Bits512 = 512,
}
