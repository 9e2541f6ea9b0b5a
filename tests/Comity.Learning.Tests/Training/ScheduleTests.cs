using Comity.Learning.Training.Schedules;

namespace Comity.Learning.Tests.Training;

public sealed class ScheduleTests
{
    [Fact]
    public void Every_schedule_follows_its_formula()
    {
        Assert.Equal(1, new ConstantScheduleSection().RateFactor(17.5, 20));
        var step = new StepScheduleSection { Every = 10, Factor = 0.5 };
        Assert.Equal([1, 1, 0.5, 0.25], new[] { 0, 9.9, 10, 25 }.Select(e => step.RateFactor(e, 100)));
        Assert.Equal(0.81, new ExponentialScheduleSection { Factor = 0.9 }.RateFactor(2, 100), 12);
        var cosine = new CosineScheduleSection { Floor = 0.1 };
        Assert.Equal([1, 0.55, 0.1, 0.1], new[] { 0.0, 50, 100, 150 }.Select(e => Math.Round(cosine.RateFactor(e, 100), 12)));
        var cyclic = new CyclicScheduleSection { Period = 4, Floor = 0 };
        Assert.Equal([0, 0.5, 1, 0.5, 0, 0.5], Enumerable.Range(0, 6).Select(e => cyclic.RateFactor(e, 100)));
        var restarts = new WarmRestartsScheduleSection { Period = 2, Growth = 2 };
        Assert.Equal([1, 0.5, 1, 0.5, 1, 0.5], new[] { 0.0, 1, 2, 4, 6, 10 }.Select(e => Math.Round(restarts.RateFactor(e, 100), 12)));
    }

    [Fact]
    public void A_warm_up_rises_to_the_rate_before_the_schedule_begins()
    {
        var schedule = new CosineScheduleSection { WarmUpEpochs = 4 };
        Assert.Equal([0, 0.25, 0.75, 1], new[] { 0.0, 1, 3, 4 }.Select(e => schedule.RateFactor(e, 10)));
        Assert.Equal(0.5, schedule.RateFactor(7, 10), 12);
        Assert.Equal(0, schedule.RateFactor(10, 10), 12);
    }
}
