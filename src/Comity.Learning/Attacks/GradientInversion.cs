using Comity.Tensors.Parameters;

namespace Comity.Learning.Attacks;

/// <summary>Reads records back out of an update, as whoever sees an unprotected one can.</summary>
/// <remarks>
/// A dense first layer y = W·x + b has ∂L/∂W = g·xᵀ and ∂L/∂b = g for one record, so every row of ∂L/∂W divided by its entry of ∂L/∂b is the record, exactly
/// (Phong et al. 2018; Geiping et al. 2020, arXiv:2003.14053, Proposition 3.1). Clipping scales both alike and changes nothing. Of a sum of many records only a mixture comes out.
/// </remarks>
public static class GradientInversion
{
    /// <summary>The record that the update's first dense layer gives away.</summary>
    /// <param name="update">Difference of parameters, or gradient; shape [P].</param>
    /// <param name="layout">Where the layers lie. The first weight with as many columns as the record and the bias beside it are used.</param>
    /// <param name="width">Columns of a record.</param>
    /// <returns>The record, shape [width]; null: no layer of that form, or no output that moved.</returns>
    public static float[]? Record(ReadOnlySpan<float> update, ParameterLayout layout, int width)
    {
        ArgumentNullException.ThrowIfNull(layout);
        for (var i = 0; i + 1 < layout.Entries.Count; i++)
        {
            var (weight, bias) = (layout.Entries[i], layout.Entries[i + 1]);
            if (weight.Shape.Count != 2 || bias.Shape.Count != 1) continue;
            // Stored either way round: what matters is which side the record is on.
            var outputs = bias.Shape[0];
            var byOutput = weight.Shape[0] == outputs && weight.Shape[1] == width;
            if (!byOutput && !(weight.Shape[1] == outputs && weight.Shape[0] == width)) continue;
            var strongest = -1;
            for (var o = 0; o < outputs; o++)
            {
                var moved = Math.Abs(update[bias.Offset + o]);
                if (moved > 0 && (strongest < 0 || moved > Math.Abs(update[bias.Offset + strongest]))) strongest = o;
            }
            if (strongest < 0) return null;
            var record = new float[width];
            for (var x = 0; x < width; x++)
                record[x] = update[weight.Offset + (byOutput ? (strongest * width) + x : (x * outputs) + strongest)] / update[bias.Offset + strongest];
            return record;
        }
        return null;
    }

    /// <summary>How well a record was found again: root of the mean squared error, and correlation (NaN where either does not vary).</summary>
    public static (double Error, double Correlation) Compare(ReadOnlySpan<float> found, ReadOnlySpan<float> truth)
    {
        if (found.Length != truth.Length || found.Length == 0) throw new ArgumentException("Two records of the same width were expected.", nameof(found));
        double squares = 0, meanA = 0, meanB = 0;
        for (var i = 0; i < found.Length; i++)
        {
            squares += ((double)found[i] - truth[i]) * ((double)found[i] - truth[i]);
            meanA += found[i] / (double)found.Length;
            meanB += truth[i] / (double)found.Length;
        }
        double both = 0, a = 0, b = 0;
        for (var i = 0; i < found.Length; i++)
        {
            both += (found[i] - meanA) * (truth[i] - meanB);
            a += (found[i] - meanA) * (found[i] - meanA);
            b += (truth[i] - meanB) * (truth[i] - meanB);
        }
        return (Math.Sqrt(squares / found.Length), both / Math.Sqrt(a * b));
    }
}
