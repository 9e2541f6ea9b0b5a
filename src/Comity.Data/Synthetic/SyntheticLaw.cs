using Comity.Tensors.Randomness;

namespace Comity.Data.Synthetic;

/// <summary>Draws one file's records from the declared law.</summary>
/// <remarks>
/// A number is normal with its shifted mean, cut to its range; a category is drawn by its shares. The law is the sum of the shared
/// and the file's own effects plus a constant, which bisection sets so that the mean probability of these very
/// records is the prevalence. A label of two classes is then drawn with the logistic of the law, a numeric one is the law plus noise.
/// Measurement comes last: the law works on what is true, the file holds what was measured.
/// </remarks>
internal sealed class SyntheticLaw(SyntheticSection section, SyntheticFile file, SeededRandom random)
{
    public IReadOnlyList<SyntheticFeature> Features => section.Features;

    /// <summary>True values by feature, shape [features][rows]: numbers, or positions of a category's value.</summary>
    public double[][] Values { get; } = Draw(section, file, random);

    /// <summary>Labels, shape [rows]: 0 or 1, or the number.</summary>
    public double[] Labels()
    {
        var law = new double[file.Rows];
        foreach (var effect in section.Effects.Concat(file.Effects)) Add(effect, law);
        if (section.Label.Values.Count == 0) return [.. law.Select(l => l + section.Label.Noise * random.NextGaussian())];
        var constant = ConstantFor(law, Logistic(Math.Log(file.Prevalence / (1 - file.Prevalence)) + file.Vary * random.NextGaussian()));
        return [.. law.Select(l => random.NextDouble() < Logistic(l + constant) ? 1.0 : 0.0)];
    }

    private static double[][] Draw(SyntheticSection section, SyntheticFile file, SeededRandom random)
    {
        var values = new double[section.Features.Count][];
        for (var f = 0; f < values.Length; f++)
        {
            var feature = section.Features[f];
            var column = values[f] = new double[file.Rows];
            if (feature.Values.Count > 0)
            {
                for (var i = 0; i < column.Length; i++) column[i] = Pick(feature, random.NextDouble());
                continue;
            }
            var mean = feature.Mean + file.Shift.GetValueOrDefault(feature.Column) + file.Vary * feature.Deviation * random.NextGaussian();
            for (var i = 0; i < column.Length; i++)
                column[i] = Math.Clamp(mean + feature.Deviation * random.NextGaussian(), feature.Range?.Low ?? double.MinValue, feature.Range?.High ?? double.MaxValue);
        }
        return values;
    }

    private static int Pick(SyntheticFeature feature, double u)
    {
        if (feature.Shares.Count == 0) return (int)(u * feature.Values.Count);
        var left = u * feature.Shares.Sum();
        for (var i = 0; i < feature.Shares.Count; i++)
            if ((left -= feature.Shares[i]) < 0) return i;
        return feature.Shares.Count - 1;
    }

    private void Add(SyntheticEffect effect, double[] law)
    {
        var (feature, column) = Find(effect.Columns[0]);
        if (effect.Value is { } value)
        {
            var level = feature.Values.ToList().IndexOf(value);
            for (var i = 0; i < law.Length; i++) law[i] += column[i] == level ? effect.Weight : 0;
            return;
        }
        var (second, other) = effect.Shape == SyntheticShape.Product ? Find(effect.Columns[1]) : (feature, column);
        for (var i = 0; i < law.Length; i++)
        {
            var z = (column[i] - feature.Mean) / feature.Deviation;
            law[i] += effect.Weight * effect.Shape switch
            {
                SyntheticShape.Square => z * z - 1,
                SyntheticShape.Product => z * ((other[i] - second.Mean) / second.Deviation),
                SyntheticShape.Wave => Math.Sin(Math.PI * z),
                _ => z,
            };
        }
    }

    private (SyntheticFeature Feature, double[] Column) Find(string name)
    {
        var at = section.Features.Select(f => f.Column).ToList().IndexOf(name);
        return (section.Features[at], Values[at]);
    }

    private static double ConstantFor(double[] law, double prevalence)
    {
        var (low, high) = (-100.0 - law.Max(), 100.0 - law.Min());
        for (var step = 0; step < 60; step++)
        {
            var middle = (low + high) / 2;
            if (law.Average(l => Logistic(l + middle)) < prevalence) low = middle;
            else high = middle;
        }
        return (low + high) / 2;
    }

    private static double Logistic(double x) => 1 / (1 + Math.Exp(-x));
}
