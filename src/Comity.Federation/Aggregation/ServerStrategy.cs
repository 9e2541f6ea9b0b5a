using Comity.Federation.Strategies;

namespace Comity.Federation.Aggregation;

/// <summary>A strategy at work: turns a round's updates into the next model, in one or a few passes over the spool.</summary>
public sealed class ServerStrategy
{
    private readonly CombineRule _rule;
    private readonly ServerStep _step;

    private ServerStrategy(CombineRule rule, ServerStep step, bool controlVariates = false, double proximal = 0)
    {
        (_rule, _step, ControlVariates, Proximal) = (rule, step, controlVariates, (float)proximal);
        States = controlVariates ? 1 : step.States;
    }

    /// <summary>Vectors of server state, each of the model's length.</summary>
    public int States { get; }

    /// <summary>Whether sites keep control variates and return their change behind the model's (SCAFFOLD). State 0 is then c.</summary>
    public bool ControlVariates { get; }

    /// <summary>FedProx's μ for the sites.</summary>
    public float Proximal { get; }

    /// <summary>Vectors of P floats in an update's body.</summary>
    public int Parts => ControlVariates ? 2 : 1;

    /// <summary>The strategy that a section declares.</summary>
    public static ServerStrategy Create(StrategySection section) => section switch
    {
        FedAvgSection => new(new MeanRule(), new PlainStep(1)),
        FedProxSection s => new(new MeanRule(), new PlainStep(1), proximal: s.Mu),
        FedAvgMSection s => new(new MeanRule(), new MomentumStep(s.ServerLearningRate, s.Momentum, s.Nesterov)),
        ScaffoldSection s => new(new MeanRule(), new PlainStep(s.ServerLearningRate), controlVariates: true),
        FedNovaSection => new(new NormalizedRule(), new PlainStep(1)),
        FedAdamSection s => new(new MeanRule(), new AdaptiveStep(SecondMoment.Adam, s.ServerLearningRate, s.Beta1, s.Beta2, s.Tau)),
        FedYogiSection s => new(new MeanRule(), new AdaptiveStep(SecondMoment.Yogi, s.ServerLearningRate, s.Beta1, s.Beta2, s.Tau)),
        FedAdagradSection s => new(new MeanRule(), new AdaptiveStep(SecondMoment.Adagrad, s.ServerLearningRate, s.Beta1, 0, s.Tau)),
        MedianSection => new(new MedianRule(), new PlainStep(1)),
        TrimmedMeanSection s => new(new TrimmedMeanRule(s.Dropped), new PlainStep(1)),
        KrumSection s => new(new KrumRule(s.Faulty, _ => 1), new PlainStep(1)),
        MultiKrumSection s => new(new KrumRule(s.Faulty, n => Math.Min(n, s.Keep ?? n - s.Faulty)), new PlainStep(1)),
        GeometricMedianSection s => new(new GeometricMedianRule(s.Iterations, s.Smoothing, s.Tolerance), new PlainStep(1)),
        _ => throw new ArgumentOutOfRangeException(nameof(section), section, "Unknown strategy."),
    };

    /// <summary>State before the first round.</summary>
    public float[][] NewStates(int parameters)
    {
        var states = new float[States][];
        for (var i = 0; i < States; i++) states[i] = new float[parameters];
        _step.Initialise(states);
        return states;
    }

    /// <summary>Moves the model by a round's updates.</summary>
    /// <param name="updates">The updates of the contributors.</param>
    /// <param name="segments">Which stretches are trained and which observed.</param>
    /// <param name="model">Overwritten, shape [P].</param>
    /// <param name="states">Server state; overwritten.</param>
    /// <param name="sites">N: all sites of the federation, asked or not (SCAFFOLD).</param>
    public void Apply(RoundUpdates updates, IReadOnlyList<ParameterSegment> segments, Memory<float> model, IReadOnlyList<float[]> states, int sites)
    {
        ArgumentNullException.ThrowIfNull(updates);
        ArgumentNullException.ThrowIfNull(segments);
        _rule.Prepare(updates);
        Slices.Each(segments, _rule.Slice(updates), _rule.Scratch(updates), (slice, scratch, difference) =>
        {
            _rule.Combine(updates, slice.Offset, slice.Observed, scratch, difference);
            var part = model.Span.Slice(slice.Offset, slice.Length);
            // Running statistics are observed, not optimised: a momentum or an adaptive step would carry a variance below zero.
            if (slice.Observed) MoveObserved(part, difference);
            else _step.Move(part, difference, states, slice.Offset);
        });
        if (ControlVariates) MoveControl(updates, states[0], sites);
    }

    private static void MoveObserved(Span<float> model, ReadOnlySpan<double> difference)
    {
        for (var i = 0; i < model.Length; i++) model[i] = (float)(model[i] + difference[i]);
    }

    // c += (1/N) Σ_S Δcᵢ = |S|/N · mean (Karimireddy et al. 2020, Algorithm 1, line 17): unweighted, over all N sites.
    private static void MoveControl(RoundUpdates updates, float[] control, int sites)
    {
        var coefficients = new double[updates.Count];
        Array.Fill(coefficients, 1.0 / sites);
        Slices.Each([new(0, control.Length, false)], RoundUpdates.LongestSlice, RoundUpdates.LongestSlice, (slice, scratch, sum) =>
        {
            CombineRule.WeightedSum(updates, coefficients, updates.Parameters + slice.Offset, scratch, sum);
            var part = control.AsSpan(slice.Offset, slice.Length);
            for (var i = 0; i < part.Length; i++) part[i] = (float)(part[i] + sum[i]);
        });
    }
}
