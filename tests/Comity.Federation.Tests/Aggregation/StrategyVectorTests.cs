using Comity.Federation.Aggregation;
using Comity.Federation.Strategies;
using Comity.Tensors.Parameters;

namespace Comity.Federation.Tests.Aggregation;

/// <summary>Traces computed with 40 digits or checked against the papers' own code; see the reference of this project.</summary>
public sealed class StrategyVectorTests
{
    private static readonly float[][] Points = [[1.0f, 1.02f], [1.13f, 0.91f], [0.88f, 1.07f], [1.06f, 1.16f], [0.93f, 0.95f], [1.21f, 0.99f], [10, -10]];

    private static double[] Trace(StrategySection section, params float[] deltas)
    {
        var strategy = ServerStrategy.Create(section);
        var (model, states) = (new float[1], strategy.NewStates(1));
        return [.. deltas.Select(d =>
        {
            strategy.Apply(UpdatesInMemory.Round([[d]], 1), UpdatesInMemory.AllTrained(1), model, states, 1);
            return (double)model[0];
        })];
    }

    private static float[] Apply(StrategySection section, IReadOnlyList<float[]> updates)
    {
        var strategy = ServerStrategy.Create(section);
        var model = new float[updates[0].Length];
        strategy.Apply(UpdatesInMemory.Round(updates, model.Length), UpdatesInMemory.AllTrained(model.Length), model, strategy.NewStates(model.Length), updates.Count);
        return model;
    }

    private static void Near(double[] expected, IEnumerable<double> actual, double tolerance = 2e-7) =>
        Assert.All(expected.Zip(actual), pair => Assert.Equal(pair.First, pair.Second, tolerance));

    [Fact]
    public void FedAdam_follows_the_paper_with_v0_of_tau_squared_and_no_bias_correction() =>
        Near([0.09802019, 0.14378413, 0.20256690], Trace(new FedAdamSection { ServerLearningRate = 0.1 }, 0.5f, -0.2f, 0.1f));

    [Fact]
    public void FedYogi_follows_the_paper() =>
        Near([0.09802000, 0.14358977, 0.20185293], Trace(new FedYogiSection { ServerLearningRate = 0.1 }, 0.5f, -0.2f, 0.1f));

    [Fact]
    public void FedAdagrad_without_momentum_differs_from_a_start_at_zero_only_by_tau()
    {
        // The published trace starts at v = 0; ours at τ² = 1e-6, as in Algorithm 2.
        var v = 1e-6;
        var x = 0.0;
        double[] expected = [.. new[] { 0.5, -0.2, 0.1 }.Select(d => { v += d * d; return x += 0.1 * d / (Math.Sqrt(v) + 1e-3); })];
        var trace = Trace(new FedAdagradSection(), 0.5f, -0.2f, 0.1f);
        Near(expected, trace);
        Near([0.09980040, 0.06273017, 0.08095432], trace, 2e-6);
    }

    [Fact]
    public void FedAvgM_keeps_velocity() => Near([0.5, 0.75, 1.075], Trace(new FedAvgMSection(), 0.5f, -0.2f, 0.1f));

    // v = 0.5, 0.25, 0.325; each step is Δ + 0.9 v: 0.95, 0.025, 0.3925 (Sutskever et al. 2013, with the velocity in units of Δ).
    [Fact]
    public void FedAvgM_looks_ahead_where_it_is_asked_to() => Near([0.95, 0.975, 1.3675], Trace(new FedAvgMSection { Nesterov = true }, 0.5f, -0.2f, 0.1f));

    [Fact]
    public void FedNova_divides_by_how_far_each_site_stepped()
    {
        var strategy = ServerStrategy.Create(new FedNovaSection());
        var model = new float[1];
        // Δᵢ = −lr·Gᵢ with lr 0.1 and G = (1, 3).
        strategy.Apply(UpdatesInMemory.Round([[-0.1f], [-0.3f]], 1, weights: [0.25, 0.75], steps: [2, 8]), UpdatesInMemory.AllTrained(1), model, [], 2);
        Assert.Equal(-0.2640625, model[0], 1e-7);
        Near([-0.25], Average([[-0.1f], [-0.3f]], [0.25, 0.75]));
    }

    private static IEnumerable<double> Average(IReadOnlyList<float[]> updates, double[] weights)
    {
        var model = new float[1];
        ServerStrategy.Create(new FedAvgSection()).Apply(UpdatesInMemory.Round(updates, 1, weights), UpdatesInMemory.AllTrained(1), model, [], updates.Count);
        return model.Select(x => (double)x);
    }

    [Fact]
    public void Scaffold_moves_the_common_variate_by_the_share_of_sites_that_answered()
    {
        // Two of ten sites: x 1 → y 1.228; Δcᵢ −1.24 and 1.24 less 1.24, hence c = 0.1 − 1.24 / 10.
        var strategy = ServerStrategy.Create(new ScaffoldSection());
        var (model, states) = (new float[] { 1 }, strategy.NewStates(1));
        states[0][0] = 0.1f;
        strategy.Apply(UpdatesInMemory.Round([[0.228f, -1.24f], [0.228f, 0f]], 1), UpdatesInMemory.AllTrained(1), model, states, sites: 10);
        Assert.Equal(1.228, model[0], 1e-6);
        Assert.Equal(-0.024, states[0][0], 1e-6);
    }

    [Fact]
    public void Coordinate_median() => Near([1.06, 0.99], Apply(new MedianSection(), Points).Select(x => (double)x));

    [Fact]
    public void Trimmed_mean_drops_one_or_two_at_each_end()
    {
        Near([1.066, 0.988], Apply(new TrimmedMeanSection { Fraction = 1.0 / 7 }, Points).Select(x => (double)x));
        Near([1.06333333, 0.98666667], Apply(new TrimmedMeanSection { Fraction = 2.0 / 7 }, Points).Select(x => (double)x));
    }

    [Fact]
    public void Krum_takes_the_first_point_and_scores_as_published()
    {
        var rule = new KrumRule(1, _ => 1);
        rule.Prepare(UpdatesInMemory.Round(Points, 2));
        Near([0.0789, 0.1508, 0.1624, 0.1761, 0.1293, 0.1892, 800.357], rule.Scores, 2e-4);
        Near([1.0, 1.02], Apply(new KrumSection { Faulty = 1 }, Points).Select(x => (double)x));
    }

    [Theory]
    [InlineData(4, 0.985, 0.9875)]
    [InlineData(3, 1.02, 0.96)]
    public void Multi_Krum_averages_the_best(int keep, double x, double y) =>
        Near([x, y], Apply(new MultiKrumSection { Faulty = 1, Keep = keep }, Points).Select(v => (double)v));

    [Fact]
    public void Krum_refuses_too_few_updates() =>
        Assert.Throws<ArgumentException>(() => Apply(new KrumSection { Faulty = 3 }, Points));

    [Fact]
    public void Geometric_median_converges_to_the_published_point_and_walks_there_as_published()
    {
        Near([1.02510897, 1.00210762], Apply(new GeometricMedianSection { Iterations = 500, Tolerance = 0 }, Points).Select(x => (double)x), 1e-6);
        double[][] steps = [[1.28161013, 0.71628728], [1.10117243, 0.95017067], [1.08677947, 0.96529841]];
        for (var i = 0; i < steps.Length; i++)
            Near(steps[i], Apply(new GeometricMedianSection { Iterations = i + 1, Tolerance = 0 }, Points).Select(x => (double)x), 1e-6);
    }

    [Theory]
    [InlineData(typeof(FedAdamSection))]
    [InlineData(typeof(FedAvgMSection))]
    [InlineData(typeof(FedNovaSection))]
    public void Running_statistics_are_averaged_and_never_optimised(Type section)
    {
        var strategy = ServerStrategy.Create((StrategySection)Activator.CreateInstance(section)!);
        var layout = new ParameterLayout([new("w", [2], 0), new("variance", [1], 2, ParameterRole.BatchNormStatistic), new("b", [1], 3, ParameterRole.Bias)]);
        var (model, states) = (new float[] { 0, 0, 1, 0 }, strategy.NewStates(4));
        for (var round = 0; round < 3; round++)
            strategy.Apply(UpdatesInMemory.Round([[1, 1, -0.25f, 1], [3, 3, -0.25f, 3]], 4, steps: [1, 9]), ParameterSegment.Of(layout), model, states, 2);
        Assert.Equal(0.25f, model[2]);
        Assert.NotEqual(3 * 2f, model[0]); // the trained ones did not simply add up the mean
        Assert.Equal(model[0], model[3]);
    }
}
