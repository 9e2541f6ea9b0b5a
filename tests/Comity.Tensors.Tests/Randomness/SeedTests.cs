using Comity.Tensors.Randomness;

namespace Comity.Tensors.Tests.Randomness;

public sealed class SeedTests
{
    [Fact]
    public void Names_give_streams_that_do_not_depend_on_one_another()
    {
        var seed = Seed.Of(7);
        Assert.Equal(seed.For("shuffle", 1, "site"), Seed.Of(7).For("shuffle", 1, "site"));
        Seed[] all =
        [
            seed, seed.For("shuffle"), seed.For("shuffle", 1), seed.For("shuffle", 2), seed.For("shuffle", 1, "a"), seed.For("shuffle", "1a"),
            seed.For("dropout", 1), seed.For("shuffle").For("shuffle"), Seed.Of(8).For("shuffle"), seed.For("shuffle", "a", 1), seed.For("", "shuffle"),
        ];
        Assert.Equal(all.Length, all.Distinct().Count());
    }

    [Fact]
    public void Parts_cannot_run_into_one_another()
    {
        Assert.NotEqual(Seed.Of(1).For("ab", "c"), Seed.Of(1).For("a", "bc"));
        Assert.NotEqual(Seed.Of(1).For("a", 1, 23), Seed.Of(1).For("a", 12, 3));
    }

    [Fact]
    public void The_streams_of_sites_are_uncorrelated()
    {
        var a = Seed.Of(7).For("site", "a").ToRandom();
        var b = Seed.Of(7).For("site", "b").ToRandom();
        var correlation = Enumerable.Range(0, 50_000).Average(_ => (a.NextDouble() - 0.5) * (b.NextDouble() - 0.5)) * 12;
        Assert.Equal(0, correlation, 0.02);
    }

    [Fact]
    public void Only_texts_and_numbers_name_a_seed() => Assert.Throws<ArgumentException>(() => Seed.Of(1).For("x", new object()));
}
