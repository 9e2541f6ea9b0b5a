namespace Comity.Declarations.Tests;

public sealed class SpellingTests
{
    [Theory]
    [InlineData("optimzer", "optimizer")]
    [InlineData("laerningRate", "learningRate")]
    [InlineData("Batch", "batch")]
    [InlineData("quorum", "quorum")]
    [InlineData("zebra", null)]
    [InlineData("", null)]
    public void The_nearest_known_word_is_offered_only_when_it_is_near(string word, string? expected) =>
        Assert.Equal(expected, Spelling.Nearest(word, ["optimizer", "learningRate", "batch", "quorum"]));
}
