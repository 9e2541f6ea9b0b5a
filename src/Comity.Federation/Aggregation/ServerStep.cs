namespace Comity.Federation.Aggregation;

/// <summary>How Δ moves the model. State is a fixed number of vectors of the model's length.</summary>
internal abstract class ServerStep
{
    /// <summary>Vectors of state.</summary>
    public virtual int States => 0;

    /// <summary>Sets the state before the first round.</summary>
    public virtual void Initialise(IReadOnlyList<float[]> states)
    {
    }

    /// <summary>Moves one slice of the model, and touches no other: several slices may be moved at once.</summary>
    /// <param name="model">Overwritten.</param>
    /// <param name="difference">Δ.</param>
    /// <param name="states">State vectors, whole.</param>
    /// <param name="offset">Where the slice starts.</param>
    public abstract void Move(Span<float> model, ReadOnlySpan<double> difference, IReadOnlyList<float[]> states, int offset);
}

/// <summary>w += η Δ.</summary>
internal sealed class PlainStep(double learningRate) : ServerStep
{
    public override void Move(Span<float> model, ReadOnlySpan<double> difference, IReadOnlyList<float[]> states, int offset)
    {
        for (var i = 0; i < model.Length; i++) model[i] = (float)(model[i] + (learningRate * difference[i]));
    }
}

/// <summary>v = β v + Δ; w += η v (Hsu et al. 2019), or with Nesterov's look ahead w += η (Δ + β v).</summary>
internal sealed class MomentumStep(double learningRate, double momentum, bool nesterov) : ServerStep
{
    public override int States => 1;

    public override void Move(Span<float> model, ReadOnlySpan<double> difference, IReadOnlyList<float[]> states, int offset)
    {
        var v = states[0].AsSpan(offset, model.Length);
        for (var i = 0; i < model.Length; i++)
        {
            var moved = (momentum * v[i]) + difference[i];
            v[i] = (float)moved;
            model[i] = (float)(model[i] + (learningRate * (nesterov ? difference[i] + (momentum * moved) : moved)));
        }
    }
}

/// <summary>Which second moment an <see cref="AdaptiveStep"/> keeps.</summary>
internal enum SecondMoment
{
    Adam,
    Yogi,
    Adagrad,
}

/// <summary>FedAdam, FedYogi and FedAdagrad (Reddi et al. 2021, arXiv:2003.00295, Algorithm 2): v₋₁ = τ², no bias correction.</summary>
internal sealed class AdaptiveStep(SecondMoment kind, double learningRate, double beta1, double beta2, double tau) : ServerStep
{
    public override int States => 2;

    public override void Initialise(IReadOnlyList<float[]> states) => Array.Fill(states[1], (float)(tau * tau));

    public override void Move(Span<float> model, ReadOnlySpan<double> difference, IReadOnlyList<float[]> states, int offset)
    {
        var m = states[0].AsSpan(offset, model.Length);
        var v = states[1].AsSpan(offset, model.Length);
        for (var i = 0; i < model.Length; i++)
        {
            var d = difference[i];
            var squared = d * d;
            var first = (beta1 * m[i]) + ((1 - beta1) * d);
            var second = kind switch
            {
                SecondMoment.Adam => (beta2 * v[i]) + ((1 - beta2) * squared),
                SecondMoment.Yogi => v[i] - ((1 - beta2) * squared * Math.Sign(v[i] - squared)),
                _ => v[i] + squared,
            };
            m[i] = (float)first;
            v[i] = (float)second;
            model[i] = (float)(model[i] + (learningRate * first / (Math.Sqrt(second) + tau)));
        }
    }
}
