using Comity.Privacy.Accounting;
using Comity.Privacy.Events;

namespace Comity.Privacy.Tests.Accounting;

/// <summary>Runs alone, and counts the processor's time, so that what else the machine does is not the accountant's.</summary>
[CollectionDefinition(nameof(AccountantSpeedTests), DisableParallelization = true)]
[Collection(nameof(AccountantSpeedTests))]
public sealed class AccountantSpeedTests
{
    [Fact]
    public void Five_thousand_steps_take_less_than_half_a_second()
    {
        var accountant = new PldAccountant(NeighbouringRelation.AddOrRemoveOne);
        var training = new PoissonSampledEvent(0.01, new GaussianEvent(2)).Times(5000);
        var best = Enumerable.Range(0, 5).Min(_ =>
        {
            var before = Environment.CpuUsage.TotalTime;
            accountant.Epsilon(training, 1e-5);
            return Environment.CpuUsage.TotalTime - before;
        });
        Assert.True(best < TimeSpan.FromSeconds(0.5), $"took {best}");
    }
}
