namespace Comity.Tensors.Differentiation;

/// <summary>One operation on the tape: what it was, what it read, where its value lies and what its derivative rule needs.</summary>
internal unsafe struct Node
{
    public Operation Operation;

    /// <summary>Indices of the operands; −1: none.</summary>
    public int A, B, C;

    public Shape Shape;

    public float* Value;

    /// <summary>Null until a rule first writes to it.</summary>
    public float* Gradient;

    /// <summary>Whether anything below is a parameter, or a leaf whose gradient was asked for.</summary>
    public bool NeedsGradient;

    /// <summary>Whether the gradient holds something already, so that further contributions are added.</summary>
    public bool HasGradient;

    /// <summary>What the rule needs besides operands and value.</summary>
    public float* Saved, SavedToo, SavedLast;

    public int Option;

    public float Number;

    /// <summary>Of a pass whose gradients are clipped: which part of the value belongs to which example.</summary>
    public ExampleRows Examples;

    /// <summary>Of a parameter in such a pass: how many operations read it.</summary>
    public int Uses;

    /// <summary>In such a pass: whether the examples' gradients have been scaled already.</summary>
    public bool IsScaled;

    /// <summary>A loss before it was rounded to single precision: line searches compare values that differ in the last digits.</summary>
    public double Total;
}
