using System.Security.Cryptography;
using Comity.Federation.Privacy;
using Comity.Federation.Stores;
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

    [Fact]
    public void What_a_study_cost_is_reckoned_by_the_accountant_that_it_was_planned_with()
    {
        const double Delta = 1e-5;
        var step = new PoissonSampledEvent(0.1, new GaussianEvent(1.2));
        var training = step.Times(80);
        IPrivacyAccountant renyi = new RdpAccountant(NeighbouringRelation.AddOrRemoveOne), losses = new PldAccountant(NeighbouringRelation.AddOrRemoveOne);
        using (var ledger = Open())
        {
            ledger.SetBudget(new(BudgetScope.DataSet, "cohort-2020", 100, Delta));
            foreach (var (account, accountant) in new[] { (First, renyi), (First with { Run = "run-2" }, losses) })
            {
                ledger.Reserve(account, [new(step, 160)], accountant);
                ledger.Charge(account, "round 1", training, "aa");
            }
        }
        using var again = Open();
        var entries = again.Entries();
        Assert.Equal([renyi.Epsilon(training, Delta), losses.Epsilon(training, Delta)], entries.Select(e => e.ChargedEpsilon(Delta)));
        Assert.Equal([renyi.Epsilon(step.Times(160), Delta), losses.Epsilon(step.Times(160), Delta)], entries.Select(e => e.ReservedEpsilon(Delta)));
        Assert.True(entries[0].ChargedEpsilon(Delta) > 1.05 * entries[1].ChargedEpsilon(Delta)); // they can be told apart
        // A budget that studies of both share is reckoned by the one that bounds all of them most tightly; a resumed run keeps its own.
        var budget = Assert.Single(again.Budgets());
        Assert.Equal(losses.Epsilon(step.Times(320), Delta), again.Spent(budget));
        Assert.Null(again.Reserve(First, [new(step, 160)], losses));
        Assert.Equal("rdp", again.Entries()[0].Accountant);
    }

    [Fact]
    public void A_ledger_of_a_version_that_kept_no_accountant_is_opened_and_goes_on()
    {
        var path = _folder.New("ledger.sqlite");
        using (var old = SqliteDatabase.Open(path, ""))
        {
            old.Execute("""
                CREATE TABLE accounts (id INTEGER PRIMARY KEY, run TEXT NOT NULL, study TEXT NOT NULL, site TEXT NOT NULL, dataset TEXT NOT NULL, open INTEGER NOT NULL, UNIQUE (run, site));
                CREATE TABLE reserved (account INTEGER NOT NULL REFERENCES accounts, event TEXT NOT NULL, count INTEGER NOT NULL, PRIMARY KEY (account, event));
                CREATE TABLE charges (account INTEGER NOT NULL REFERENCES accounts, answer TEXT NOT NULL, event TEXT NOT NULL, count INTEGER NOT NULL, sha256 TEXT NOT NULL, time TEXT NOT NULL, PRIMARY KEY (account, answer));
                CREATE TABLE budgets (scope TEXT NOT NULL, name TEXT NOT NULL, epsilon REAL NOT NULL, delta REAL NOT NULL, PRIMARY KEY (scope, name));
                INSERT INTO accounts VALUES (1, 'run-1', 'hearts', 'a', 'cohort-2020', 1);
                INSERT INTO reserved VALUES (1, '{"kind":"gaussian","noise":10}', 5);
                INSERT INTO charges VALUES (1, 'round 1', '{"kind":"gaussian","noise":10}', 2, 'aa', '2026-01-01T00:00:00.0000000Z');
                """);
        }
        using var ledger = PrivacyLedger.Open(path, TimeProvider.System);
        var entry = Assert.Single(ledger.Entries());
        Assert.Equal((First, "", 1L), (entry.Account, entry.Accountant, entry.Answers));
        Assert.Equal(AnalyticGaussian.Epsilon(10 / Math.Sqrt(2), 1e-5), entry.ChargedEpsilon(1e-5), 1e-6);
        Assert.Null(ledger.Reserve(First, [new(Step, 5)], Accountant));
        Assert.True(ledger.Charge(First, "round 2", Step.Times(3), "bb"));
        Assert.Null(ledger.Reserve(First with { Run = "run-2" }, [new(Step, 5)], Accountant));
        Assert.Equal(["", "gaussian"], ledger.Entries().Select(e => e.Accountant));
    }

    [Fact]
    public void A_name_that_the_ledger_does_not_know_needs_the_signature_of_the_sites_own_key()
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256), stranger = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var ledger = Open();
        var acts = new DataSetActs(_folder.Path);
        Assert.True(acts.Allows("cohort-2020", ledger, key)); // nothing is known that it could be
        ledger.SetBudget(new(BudgetScope.DataSet, "registry", 1, 1e-5));
        ledger.SetBudget(new(BudgetScope.Site, "a", 1, 1e-5)); // holds whatever the names are
        Assert.False(acts.Allows("cohort-2020", ledger, key));
        Assert.True(acts.Allows("registry", ledger, null));

        acts.Sign("cohort-2020", "mallory", DateTimeOffset.UnixEpoch, stranger);
        Assert.False(acts.Allows("cohort-2020", ledger, key));
        acts.Sign("cohort-2020", "ana", DateTimeOffset.UnixEpoch, key);
        Assert.True(acts.Allows("cohort-2020", ledger, key));
        Assert.False(acts.Allows("cohort-2020", ledger, null));
        Assert.False(acts.Allows("cohort-2021", ledger, key));
        Assert.Null(ledger.Reserve(First with { Site = "b" }, [new(Step, 1)], Accountant));
        Assert.Equal(["cohort-2020", "registry"], ledger.DataSets());

        // An act that was changed, or put in another's place, is none.
        var file = Assert.Single(Directory.GetFiles(_folder.New("data-sets"), "*.json"));
        var other = Path.Combine(_folder.New("data-sets"), Convert.ToHexStringLower(SHA256.HashData("cohort-2021"u8)) + ".json");
        File.Copy(file, other);
        Assert.False(acts.IsSigned("cohort-2021", key));
        File.WriteAllText(other, File.ReadAllText(file).Replace("cohort-2020", "cohort-2021", StringComparison.Ordinal));
        Assert.False(acts.IsSigned("cohort-2021", key));
        File.WriteAllText(other, "{");
        Assert.False(acts.IsSigned("cohort-2021", key));
    }

    private PrivacyLedger Open() => PrivacyLedger.Open(_folder.New("ledger.sqlite"), TimeProvider.System);
}
