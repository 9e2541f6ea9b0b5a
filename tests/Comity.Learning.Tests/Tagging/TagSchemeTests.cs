using Comity.Learning.Tagging;
using Comity.Tensors.Randomness;

namespace Comity.Learning.Tests.Tagging;

public sealed class TagSchemeTests
{
    private static readonly string[] Tags = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC", "TITLE"];

    [Theory]
    [InlineData("O B-PER I-PER O", "O B-PER I-PER O", 1, 1, 1)]
    [InlineData("B-PER I-PER O", "B-PER O O", 1, 1, 0)] // the last word is missing
    [InlineData("B-PER I-PER", "B-PER B-PER", 1, 2, 0)]
    [InlineData("B-PER B-PER", "B-PER B-PER", 2, 2, 2)]
    [InlineData("I-PER I-PER O I-LOC", "B-PER I-PER O B-LOC", 2, 2, 2)] // I-X begins an entity where none runs
    [InlineData("B-PER I-LOC", "B-PER I-LOC", 2, 2, 2)]
    [InlineData("B-PER I-PER", "B-LOC I-LOC", 1, 1, 0)]
    [InlineData("TITLE TITLE I-PER", "TITLE O I-PER", 3, 2, 2)]
    [InlineData("O B-LOC I-LOC I-LOC", "B-LOC I-LOC I-LOC I-LOC", 1, 1, 0)]
    [InlineData("O O", "O O", 0, 0, 0)]
    public void Entities_count_with_their_kind_and_both_ends(string given, string said, int entities, int found, int matched) =>
        Assert.Equal(new EntityCounts(entities, found, matched), new TagScheme(Tags).Compare(Numbers(given), Numbers(said)));

    [Fact]
    public void Counts_are_those_of_sets_of_spans()
    {
        var random = Seed.Of(4).ToRandom();
        var scheme = new TagScheme(Tags);
        for (var run = 0; run < 3000; run++)
        {
            var length = 1 + random.NextInt32(9);
            int[] given = [.. Enumerable.Range(0, length).Select(_ => random.NextInt32(Tags.Length + 1) - 1)];
            int[] said = [.. given.Select(t => random.NextInt32(3) == 0 ? random.NextInt32(Tags.Length + 1) - 1 : t)];
            HashSet<(int, int, string)> a = Spans(given), b = Spans(said);
            Assert.Equal(new EntityCounts(a.Count, b.Count, a.Intersect(b).Count()), scheme.Compare(given, said));
        }
    }

    // Reads on as long as a word belongs to the entity that runs.
    private static HashSet<(int First, int Last, string Kind)> Spans(int[] tags)
    {
        var spans = new HashSet<(int, int, string)>();
        string[] names = [.. tags.Select(t => t < 0 ? "O" : Tags[t])];
        for (var i = 0; i < names.Length;)
        {
            var (first, name) = (i++, names[i - 1]);
            if (name == "O") continue;
            var kind = name[1] == '-' ? name[2..] : name;
            while (name[1] == '-' && i < names.Length && names[i] == "I-" + kind) i++;
            spans.Add((first, i - 1, kind));
        }
        return spans;
    }

    private static int[] Numbers(string tags) => [.. tags.Split(' ').Select(t => Array.IndexOf(Tags, t))];
}
