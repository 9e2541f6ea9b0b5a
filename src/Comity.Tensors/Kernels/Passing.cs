namespace Comity.Tensors.Kernels;

/// <summary>What a matrix product does in passing, while the numbers are in a cache. The bits are those of separate operations.</summary>
internal unsafe struct Passing
{
    /// <summary>Through C once it is whole: an activation, or where something was saved the rule of one.</summary>
    public Function Function;

    /// <summary>Where C begins.</summary>
    public float* C;

    /// <summary>Where the activation's values go, as long as C. Other memory than C only for gelu, whose derivative then takes C's place.</summary>
    public float* Values;

    /// <summary>What the activation's rule reads, as long as C; null: it is the activation that is applied.</summary>
    public float* Saved;

    /// <summary>Added to C where there is no function, as long as C; null: nothing.</summary>
    public float* Added;

    /// <summary>Σ over the rows of a B that is not transposed, shape [n]; null: not wanted.</summary>
    public float* ColumnSums;

    /// <summary>Whether the sums are added to what is there.</summary>
    public bool AddsSums;

    /// <summary>An activation of C.</summary>
    public static Passing Activation(Function function, float* c, float* values) => new() { Function = function, C = c, Values = values };

    /// <summary>C times the derivative of an activation.</summary>
    public static Passing Rule(Function function, float* c, float* saved) => new() { Function = function, C = c, Saved = saved };

    /// <summary>C plus a matrix.</summary>
    public static Passing Sum(float* c, float* added) => new() { C = c, Added = added };

    /// <summary>Sums of B's columns.</summary>
    public static Passing Sums(float* sums, bool adds) => new() { ColumnSums = sums, AddsSums = adds };
}
