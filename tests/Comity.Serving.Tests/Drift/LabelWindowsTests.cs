using Comity.Serving.Drift;
using Comity.Serving.Feedback;
using Comity.Tensors.Randomness;

namespace Comity.Serving.Tests.Drift;

public sealed class LabelWindowsTests
{
    private static List<DriftWindow> Windows(string stream, int labels, double ill)
    {
        var random = Seed.Of(21).For("labels", stream).ToRandom();
        var feedback = Enumerable.Range(0, labels).Select(i => new StoredFeedback(
            i, DateTimeOffset.UnixEpoch.AddMinutes(i), new FeedbackEntry(new SealedAnswer($"{i}", "ward", i % 50 == 49 ? "2.0.0" : "1.0.0", default, [], [0.5f, 0.5f]), random.NextDouble() < ill ? "ill" : "healthy", null, null))).ToList();
        return [.. LabelWindows.Of(feedback, ["healthy", "ill"], "ward", "1.0.0", "hu", 100)];
    }

    [Fact]
    public void Labels_as_in_training_raise_an_alarm_in_at_most_one_window_of_a_hundred()
    {
        var reference = SmallRelease.Statistics().For("hu"); // half of them ill
        var windows = Windows("same", 20_500, 0.5);

        Assert.InRange(windows.Count, 200, 201);
        Assert.InRange(windows.Count(w => DriftJudge.Judge(reference, w).Any(f => f.Alarm)), 0, 5); // 1 % stated; 5 of 200 happen by chance once in 20
    }

    [Fact]
    public void Labels_of_another_share_are_found_and_told_as_labels()
    {
        var reference = SmallRelease.Statistics().For("hu");
        var found = Windows("other", 510, 0.75).Select(w => DriftJudge.Judge(reference, w)).ToList();

        Assert.All(found, f => Assert.Equal(("label", "chi-square"), (f.Single().Column, f.Single().Test)));
        Assert.True(found.Count(f => f.Single().Alarm) >= 4, $"{found.Count(f => f.Single().Alarm)} of {found.Count} windows");
    }

    [Fact]
    public void Only_the_labels_of_a_version_are_counted_and_a_window_that_is_not_half_full_is_left_out()
    {
        var windows = Windows("few", 150, 0.5); // 147 of the version: one window, and 47 more

        Assert.Equal(100, windows.Single().Rows);
        Assert.Equal(100, windows.Single().Columns.Single().Known);
        Assert.Empty(LabelWindows.Of([], [], "ward", "1.0.0", "hu", 100));
    }
}
