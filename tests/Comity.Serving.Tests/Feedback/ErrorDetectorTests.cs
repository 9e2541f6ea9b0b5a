using Comity.Serving.Feedback;
using Comity.Tensors.Randomness;

namespace Comity.Serving.Tests.Feedback;

public sealed class ErrorDetectorTests
{
    [Fact]
    public void At_the_promised_rate_false_alarms_are_at_least_as_far_apart_as_stated()
    {
        // Given 300 runs at exactly the promised rate, the worst case that the statement covers
        double total = 0;
        for (var run = 0; run < 300; run++)
        {
            var random = Seed.Of(1).For("quiet", run).ToRandom();
            var detector = new ErrorDetector(promised: 0.15, labelsPerFalseAlarm: 500);
            while (detector.Labels < 20_000 && !detector.Observe(random.NextDouble() < 0.15))
            {
            }
            total += detector.Labels;
        }

        // Then the mean, with three standard errors of an exponential law in hand
        Assert.True(total / 300 > 500 * (1 - (3 / Math.Sqrt(300))), $"mean run length {total / 300}");
    }

    [Theory]
    [InlineData(0.30, 120)]
    [InlineData(0.45, 50)]
    public void A_change_for_the_worse_is_found_soon_even_after_long_quiet(double rate, int within)
    {
        var delays = new List<long>();
        for (var run = 0; run < 100; run++)
        {
            var random = Seed.Of(2).For("change", run, within).ToRandom();
            var detector = new ErrorDetector(promised: 0.15, labelsPerFalseAlarm: 2000);
            for (var i = 0; i < 1000; i++) detector.Observe(random.NextDouble() < 0.10);
            if (detector.AlarmAt is not null) continue;
            while (!detector.Observe(random.NextDouble() < rate))
            {
            }
            delays.Add(detector.Labels - 1000);
        }
        Assert.True(delays.Count > 95);
        Assert.True(delays.Average() < within, $"mean delay {delays.Average()}");
    }

    [Fact]
    public void The_statistic_is_the_recursion_of_its_definition()
    {
        var detector = new ErrorDetector(0.2, 1e9);
        bool[] errors = [true, false, true, true, false];
        foreach (var error in errors) detector.Observe(error);

        // The slow twin: the sum over every start of the product of likelihood ratios since.
        var expected = new[] { 0.275, 0.35, 0.425 }.Average(q => Enumerable.Range(0, errors.Length).Sum(start =>
            errors.Skip(start).Aggregate(1.0, (product, e) => product * (e ? q / 0.2 : (1 - q) / 0.8))));
        Assert.Equal(expected, detector.Statistic, 1e-9);
    }
}
