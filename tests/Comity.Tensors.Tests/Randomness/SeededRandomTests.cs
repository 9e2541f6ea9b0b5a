using Comity.Tensors.Randomness;

namespace Comity.Tensors.Tests.Randomness;

public sealed class SeededRandomTests
{
    [Fact]
    public void Bits_are_those_of_the_published_generator()
    {
        // xoshiro256** from the state {1, 2, 3, 4}: the authors' C code, as in the tests of the Rust crate rand_xoshiro.
        var random = Seed.Of(0).ToRandom();
        random.State = (1, 2, 3, 4);
        ulong[] expected =
        [
            11520, 0, 1509978240, 1215971899390074240, 1216172134540287360,
            607988272756665600, 16172922978634559625, 8476171486693032832, 10595114339597558777, 2904607092377533576,
        ];
        Assert.Equal(expected, Enumerable.Range(0, 10).Select(_ => random.NextUInt64()));
    }

    [Fact]
    public void A_state_begins_with_the_published_splitmix()
    {
        // SplitMix64 from 1234567.
        var state = Seed.Of(1234567).ToRandom().State;
        Assert.Equal((6457827717110365317UL, 3203168211198807973UL, 9817491932198370423UL, 4593380528125082431UL), state);
    }

    [Fact]
    public void A_saved_state_goes_on_where_it_was()
    {
        var random = Seed.Of(3).ToRandom();
        for (var i = 0; i < 17; i++) random.NextUInt64();
        var state = random.State;
        var next = Enumerable.Range(0, 5).Select(_ => random.NextUInt64()).ToArray();
        var other = Seed.Of(99).ToRandom();
        other.State = state;
        Assert.Equal(next, Enumerable.Range(0, 5).Select(_ => other.NextUInt64()));
    }

    [Theory]
    [InlineData(2)]
    [InlineData(7)]
    [InlineData(100)]
    public void Whole_numbers_are_uniform(int bound)
    {
        const int Draws = 200_000;
        var random = Seed.Of(11).For("uniform", bound).ToRandom();
        var counts = new int[bound];
        for (var i = 0; i < Draws; i++) counts[random.NextInt32(bound)]++;
        var expected = (double)Draws / bound;
        var chiSquare = counts.Sum(c => (c - expected) * (c - expected) / expected);
        // Mean bound − 1, standard deviation √(2(bound − 1)): five of them.
        Assert.InRange(chiSquare, 0, bound - 1 + 5 * Math.Sqrt(2.0 * (bound - 1)));
    }

    [Fact]
    public void Fractions_stay_below_one_and_have_the_right_mean_and_spread()
    {
        var random = Seed.Of(12).ToRandom();
        var draws = Enumerable.Range(0, 100_000).Select(_ => random.NextDouble()).ToArray();
        Assert.All(draws, d => Assert.InRange(d, 0, 1 - 1e-16));
        Assert.Equal(0.5, draws.Average(), 0.005);
        Assert.Equal(1.0 / 12, draws.Average(d => (d - 0.5) * (d - 0.5)), 0.002);
        Assert.All(Enumerable.Range(0, 10_000), _ => Assert.InRange(random.NextSingle(), 0f, 1 - 1e-8f));
    }

    [Fact]
    public void Normal_draws_have_the_moments_of_a_normal()
    {
        var random = Seed.Of(13).ToRandom();
        var draws = Enumerable.Range(0, 200_000).Select(_ => random.NextGaussian()).ToArray();
        Assert.Equal(0, draws.Average(), 0.01);
        Assert.Equal(1, draws.Average(d => d * d), 0.02);
        Assert.Equal(0, draws.Average(d => d * d * d), 0.05);
        Assert.Equal(3, draws.Average(d => d * d * d * d), 0.1);
    }

    [Fact]
    public void A_shuffle_makes_every_order_equally_likely()
    {
        var random = Seed.Of(14).ToRandom();
        var counts = new Dictionary<string, int>();
        for (var i = 0; i < 60_000; i++)
        {
            char[] items = ['a', 'b', 'c'];
            random.Shuffle(items.AsSpan());
            var order = new string(items);
            counts[order] = counts.GetValueOrDefault(order) + 1;
        }
        Assert.Equal(6, counts.Count);
        Assert.All(counts.Values, c => Assert.InRange(c, 9_500, 10_500));
    }
}
