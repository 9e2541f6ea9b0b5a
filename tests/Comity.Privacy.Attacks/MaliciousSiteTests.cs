using Comity.Federation.Aggregation;
using Comity.Federation.Rounds;
using Comity.Federation.Strategies;
using Comity.Federation.Tests.Aggregation;
using Comity.Tensors.Randomness;

namespace Comity.Privacy.Attacks;

/// <summary>One or two of nine sites attack the model: an average follows them anywhere, robust strategies stay with the honest ones.</summary>
public sealed class MaliciousSiteTests
{
    private const int Parameters = 50;
    private const int Sites = 9;

    public static TheoryData<string, StrategySection> Robust => new()
    {
        { "median", new MedianSection() }, { "trimmed mean", new TrimmedMeanSection { Fraction = 0.25 } }, { "krum", new KrumSection { Faulty = 2 } }, { "geometric median", new GeometricMedianSection() },
    };

    [Theory]
    [MemberData(nameof(Robust))]
    public void A_robust_strategy_stays_with_the_honest_sites(string name, StrategySection section)
    {
        foreach (var (attack, poisoned) in Attacks())
        {
            var (honest, truth) = Honest();
            for (var i = 0; i < 2; i++) honest[i] = poisoned(honest[i]);
            Assert.True(Distance(Apply(section, honest), truth) < 1.0, $"{attack} moves {name} by {Distance(Apply(section, honest), truth)}");
        }
    }

    [Fact]
    public void An_average_follows_a_scaled_update_anywhere_which_is_why_there_are_others()
    {
        var (honest, truth) = Honest();
        honest[0] = [.. honest[0].Select(v => v * 1000)];

        Assert.True(Distance(Apply(new FedAvgSection(), honest), truth) > 100);
    }

    [Fact]
    public void What_is_not_finite_or_too_long_does_not_pass_the_gate()
    {
        foreach (var bad in new[] { float.NaN, float.PositiveInfinity, float.NegativeInfinity })
        {
            for (var at = 0; at < Parameters; at++)
            {
                var update = new float[Parameters];
                update[at] = bad;
                Assert.Equal(RefusalReason.NotFinite, UpdateGate.Judge(update, Parameters, 1, null).Refusal);
            }
        }
        Assert.Equal(RefusalReason.NormExceeded, UpdateGate.Judge(Enumerable.Repeat(1f, Parameters).ToArray(), Parameters, 1, 5).Refusal);
    }

    [Fact]
    public void An_update_replayed_from_an_earlier_round_is_not_taken()
    {
        var plan = new RoundPlan(2, ["s0", "s1"], 2, []);
        var (state, _) = CoordinatorMachine.Start(plan, []);
        var old = UpdatesInMemory.HeaderOf("s0", 4, round: 1);

        var (after, actions) = CoordinatorMachine.Step(state, new CoordinatorMessage.UpdateArrived(old, new GateVerdict(null, 1), old.Sha256));

        Assert.Equal(new CoordinatorAction.Reject("s0", RefusalReason.WrongRound), Assert.Single(actions));
        Assert.Empty(after.Received);
    }

    private static IEnumerable<(string, Func<float[], float[]>)> Attacks()
    {
        yield return ("scaling", u => [.. u.Select(v => v * 1000)]);
        yield return ("a flipped sign", u => [.. u.Select(v => -10 * v)]);
        yield return ("a constant", u => [.. u.Select(_ => 50f)]);
        yield return ("a backdoor in one parameter", u => [.. u.Select((v, i) => i == 7 ? 1e6f : v)]);
    }

    private static (List<float[]> Updates, float[] Truth) Honest()
    {
        var random = Seed.Of(8).ToRandom();
        float[] truth = [.. Enumerable.Range(0, Parameters).Select(_ => (float)random.NextGaussian())];
        return ([.. Enumerable.Range(0, Sites).Select(_ => truth.Select(v => v + (0.05f * (float)random.NextGaussian())).ToArray())], truth);
    }

    private static float[] Apply(StrategySection section, IReadOnlyList<float[]> updates)
    {
        var strategy = ServerStrategy.Create(section);
        var model = new float[Parameters];
        strategy.Apply(UpdatesInMemory.Round(updates, Parameters), UpdatesInMemory.AllTrained(Parameters), model, strategy.NewStates(Parameters), updates.Count);
        return model;
    }

    private static double Distance(float[] a, float[] b) => Math.Sqrt(a.Zip(b, (x, y) => ((double)x - y) * (x - y)).Sum());
}
