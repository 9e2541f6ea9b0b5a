namespace Comity.Data.Preprocess;

/// <summary>Rows as a model takes them.</summary>
/// <param name="Features">Inputs, shape [n·width], row by row; of windows the steps that they are cut from, each once.</param>
/// <param name="Labels">Class indices or values, shape [n]; empty where records carry none.</param>
/// <param name="Rows">Position of each row in its source, from 0, shape [n].</param>
public sealed record EncodedRows(float[] Features, float[] Labels, int[] Rows)
{
    /// <summary>Where each row starts in <see cref="Features"/>, in floats, shape [n]; empty where rows lie one after another.</summary>
    public int[] Starts { get; init; } = [];
}
