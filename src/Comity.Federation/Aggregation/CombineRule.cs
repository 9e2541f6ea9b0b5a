namespace Comity.Federation.Aggregation;

/// <summary>How a round's updates become one difference Δ, slice by slice.</summary>
internal abstract class CombineRule
{
    /// <summary>Looks at the whole round first, where the rule needs it.</summary>
    public virtual void Prepare(RoundUpdates updates)
    {
    }

    /// <summary>Longest slice that <see cref="Combine"/> takes.</summary>
    public virtual int Slice(RoundUpdates updates) => Math.Min(RoundUpdates.LongestSlice, Math.Max(1, updates.Parameters));

    /// <summary>Floats of scratch that <see cref="Combine"/> needs.</summary>
    public virtual int Scratch(RoundUpdates updates) => Slice(updates);

    /// <summary>Writes Δ for one slice. After <see cref="Prepare"/> it changes nothing else, so several slices may be combined at once.</summary>
    /// <param name="updates">The round.</param>
    /// <param name="offset">First coordinate.</param>
    /// <param name="observed">Whether the slice holds running statistics.</param>
    /// <param name="scratch">The caller's own, overwritten.</param>
    /// <param name="difference">Overwritten.</param>
    public abstract void Combine(RoundUpdates updates, int offset, bool observed, Span<float> scratch, Span<double> difference);

    /// <summary>Σ cᵢ xᵢ in site order, for one slice of the body.</summary>
    public static void WeightedSum(RoundUpdates updates, ReadOnlySpan<double> coefficients, int offset, Span<float> scratch, Span<double> sum)
    {
        sum.Clear();
        var values = scratch[..sum.Length];
        for (var i = 0; i < coefficients.Length; i++)
        {
            if (coefficients[i] == 0) continue;
            updates.Read(i, offset, values);
            Widened.MultiplyAdd(values, coefficients[i], sum);
        }
    }
}

/// <summary>Rules that come down to Δ = Σ cᵢ Δᵢ with one coefficient for each update.</summary>
internal abstract class WeightedRule : CombineRule
{
    /// <summary>Coefficients for trained parameters.</summary>
    protected double[] Coefficients { get; set; } = [];

    /// <summary>Coefficients for running statistics: always the plain weights.</summary>
    protected double[] Plain { get; set; } = [];

    public override void Prepare(RoundUpdates updates) => Coefficients = Plain = [.. updates.Weights];

    public override void Combine(RoundUpdates updates, int offset, bool observed, Span<float> scratch, Span<double> difference) =>
        WeightedSum(updates, observed ? Plain : Coefficients, offset, scratch, difference);
}

/// <summary>Δ = Σ pᵢ Δᵢ.</summary>
internal sealed class MeanRule : WeightedRule;

/// <summary>FedNova: Δ = τ_eff Σ pᵢ Δᵢ / aᵢ with τ_eff = Σ pᵢ aᵢ (Wang et al. 2020, equation 8).</summary>
internal sealed class NormalizedRule : WeightedRule
{
    public override void Prepare(RoundUpdates updates)
    {
        base.Prepare(updates);
        double Steps(int i) => updates.Set.Header(i).NormalizedSteps;
        var effective = 0.0;
        for (var i = 0; i < updates.Count; i++) effective += Plain[i] * Steps(i);
        // A site that took no step has no difference to normalise.
        Coefficients = [.. Plain.Select((p, i) => Steps(i) > 0 ? effective * p / Steps(i) : 0)];
    }
}
