namespace Comity.Tensors;

/// <summary>How floats are kept where nobody computes with them: in files, and in models that only predict.</summary>
public enum FloatStorage
{
    /// <summary>IEEE 754 binary32: every bit is kept.</summary>
    Float32,

    /// <summary>bf16, the upper half of a float32: its range with 8 bits of precision.</summary>
    Bfloat16,

    /// <summary>IEEE 754 binary16: 11 bits of precision up to 65504.</summary>
    Float16,
}
