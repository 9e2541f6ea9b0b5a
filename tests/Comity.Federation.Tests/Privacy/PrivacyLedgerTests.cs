using Comity.Federation.Privacy;
using Comity.Privacy.Accounting;
using Comity.Privacy.Events;

namespace Comity.Federation.Tests.Privacy;

public sealed class PrivacyLedgerTests : IDisposable
{
    private static readonly GaussianAccountant Accountant = new(NeighbouringRelation.AddOrRemoveOne);
    private static readonly LedgerAccount First = new("run-1", "hearts", "a", "cohort-2020");
    private static readonly GaussianEvent Step = new(10);
    private readonly RunFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Answers_are_charged_once_and_only_within_what_was_reserved()
    {
        using var ledger = Open();
        Assert.False(ledger.Charge(First, "round 1", Step.Times(4), "aa")); // nothing reserved yet
        Assert.Null(ledger.Reserve(First, [new(Step, 10)], Accountant));
        Assert.True(ledger.Charge(First, "round 1", Step.Times(4), "aa"));
        Assert.True(ledger.Charge(First, "round 1", Step.Times(4), "aa")); // sent again: no second charge
        Assert.False(ledger.Charge(First, "round 1", Step.Times(4), "bb")); // other bytes under the same name: a second release
        Assert.False(ledger.Charge(First, "round 2", new GaussianEvent(9).Times(4), "cc")); // less noise than was planned
        Assert.True(ledger.Charge(First, "round 2", Step.Times(6), "cc"));
        Assert.False(ledger.Charge(First, "round 3", Step, "dd")); // nothing left
        Assert.Equal([new LedgerItem(Step, 10)], ledger.Entries().Single().Charged);
        Assert.Equal(2, ledger.Entries().Single().Answers);
    }

    [Fact]
    public void What_was_charged_is_there_again_after_the_file_was_closed()
    {
        using (var ledger = Open())
        {
            ledger.Reserve(First, [new(new PoissonSampledEvent(0.25, Step), 3), new(new LaplaceEvent(2), 1), new(new DiscreteGaussianEvent(4, 2), 1)], Accountant);
            ledger.Charge(First, "statistics", new LaplaceEvent(2), "aa");
        }
        using var again = Open();
        Assert.Null(again.Reserve(First, [new(new LaplaceEvent(2), 1), new(new DiscreteGaussianEvent(4, 2), 1), new(new PoissonSampledEvent(0.25, Step), 3)], Accountant)); // resumed
        Assert.Equal("aa", again.Charged(First, "statistics"));
        Assert.Equal([new LedgerItem(new LaplaceEvent(2), 1)], again.Entries().Single().Charged);
        Assert.Throws<InvalidOperationException>(() => again.Reserve(First, [new(Step, 3)], Accountant)); // another plan under the same run
    }

    [Fact]
    public void A_study_that_would_pass_a_lifetime_budget_is_refused_and_what_would_fit_is_named()
    {
        using var ledger = Open();
        var budget = new LifetimeBudget(BudgetScope.DataSet, "cohort-2020", AnalyticGaussian.Epsilon(1, 1e-5), 1e-5); // what 100 steps of noise 10 cost
        ledger.SetBudget(budget);
        Assert.Null(ledger.Reserve(First, [new(Step, 60)], Accountant));

        var second = First with { Run = "run-2", Study = "lungs" };
        var exceeded = ledger.Reserve(second, [new(Step, 80)], Accountant)!;
        Assert.Equal(budget, exceeded.Budget);
        Assert.Equal(AnalyticGaussian.Epsilon(10 / Math.Sqrt(60), 1e-5), exceeded.Spent, 9);
        Assert.Equal(AnalyticGaussian.Epsilon(10 / Math.Sqrt(140), 1e-5), exceeded.Together, 9);
        Assert.InRange(exceeded.FittingShare, 0.5, 0.51); // 40 of the 80, in hundredths
        Assert.False(ledger.Charge(second, "round 1", Step, "aa"));

        // The first study ends early: what it set aside and did not release is free again.
        ledger.Charge(First, "round 1", Step.Times(20), "aa");
        ledger.Close(First);
        Assert.False(ledger.Charge(First, "round 2", Step, "bb"));
        Assert.Null(ledger.Reserve(second, [new(Step, 80)], Accountant));
        Assert.NotNull(ledger.Reserve(First with { Run = "run-3" }, [new(Step, 1)], Accountant));
        Assert.Null(ledger.Reserve(First with { Run = "run-3", DataSet = "cohort-2021" }, [new(Step, 1)], Accountant)); // another data set has its own budget
    }

    [Fact]
    public void A_site_can_have_a_budget_over_all_its_data_sets()
    {
        using var ledger = Open();
        ledger.SetBudget(new LifetimeBudget(BudgetScope.Site, "a", AnalyticGaussian.Epsilon(1, 1e-5), 1e-5));
        Assert.Null(ledger.Reserve(First, [new(Step, 60)], Accountant));
        Assert.NotNull(ledger.Reserve(First with { Run = "run-2", DataSet = "cohort-2021" }, [new(Step, 60)], Accountant));
        Assert.Null(ledger.Reserve(First with { Run = "run-2", Site = "b" }, [new(Step, 60)], Accountant));
    }

    private PrivacyLedger Open() => PrivacyLedger.Open(_folder.New("ledger.sqlite"), TimeProvider.System);
}
