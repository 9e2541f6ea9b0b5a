using System.Security.Cryptography;
using Comity.Coordinator.Access;
using Comity.Coordinator.Identity;
using Comity.Coordinator.Storage;
using Comity.Coordinator.Studies;
using Comity.Federation.Privacy;
using Comity.Federation.Results;
using Comity.Federation.Sites;
using Comity.Federation.Stores;
using Comity.Privacy.Accounting;
using Comity.Privacy.Events;
using Comity.Testing;
using Comity.Transport.Identity;
using Comity.Transport.Protocol;

namespace Comity.Coordinator.Tests.Storage;

/// <summary>What every store of a coordinator's state keeps.</summary>
public abstract class StateContract : IDisposable
{
    private protected TempFolder Folder { get; } = new();

    /// <summary>Who belongs, opened as another process would each time.</summary>
    private protected abstract CoordinatorDatabase Identity();

    private protected abstract StudyBook Book();

    private protected abstract PrivacyLedger Ledger();

    private protected abstract RunStore Run(string version = "1");

    public virtual void Dispose() => Folder.Dispose();

    [Fact]
    public void Who_asked_was_approved_replaced_and_revoked_is_known_to_everybody_who_opens_the_store()
    {
        using var authority = CertificateAuthority.OpenOrMake(Folder.FullPath, TimeProvider.System);
        using var first = Identity();
        using var second = Identity();
        var (server, command) = (new Registry(first, authority, TimeProvider.System), new Registry(second, authority, TimeProvider.System));
        Assert.Empty(server.Members);

        var asked = Request("berlin");
        Assert.True(server.Ask(asked));
        Assert.True(server.Ask(asked)); // once more changes nothing
        Assert.Equal(asked.Fingerprint, Assert.Single(command.Enrolments).Fingerprint);
        var member = command.Approve(command.AskedBy(asked.Fingerprint)!);
        Assert.Equal(member.Certificate, server.ByKey(asked.Fingerprint)!.Certificate);
        Assert.Equal(member.PublicKey, server.PublicKeyOf("berlin"));

        var anew = Request("berlin");
        Assert.True(server.Ask(anew));
        command.Approve(command.AskedBy(anew.Fingerprint)!);
        Assert.True(server.IsRetired(asked.Fingerprint));
        Assert.Equal(anew.Fingerprint, server.ByName("berlin")!.Fingerprint);
        Assert.True(server.Renew(server.ByName("berlin")!).NotAfter >= member.NotAfter);

        command.Revoke("berlin");
        Assert.NotNull(server.ByName("berlin")!.RevokedAt);
        Assert.Null(server.PublicKeyOf("berlin"));
        Assert.Equal(server.JoinSecret(renew: false), command.JoinSecret(renew: false));
        Assert.NotEqual(server.JoinSecret(renew: false), command.JoinSecret(renew: true));
        server.Remember("reached-at", "a");
        server.Remember("reached-at", "b");
        Assert.Equal("b", command.Recall("reached-at"));
    }

    [Fact]
    public void Tokens_are_kept_as_digests_and_revoked_at_once()
    {
        using var first = Identity();
        using var second = Identity();
        var (mine, theirs) = (new Tokens(first), new Tokens(second));
        var now = DateTimeOffset.UtcNow;
        var (kept, whole) = mine.Create("ana", CallerRole.Author, ["s-1", "s-2"], now, TimeSpan.FromDays(1));
        Assert.Null(theirs.Judge(whole, now, out var caller));
        Assert.Equal((("ana", CallerRole.Author), "s-1 s-2"), ((caller!.Name, caller.Role), string.Join(' ', caller.Studies!)));
        Assert.Equal("token-wrong", theirs.Judge(whole[..^1] + (whole[^1] == '0' ? '1' : '0'), now, out _));
        Assert.True(theirs.Revoke(kept.Id, now));
        Assert.False(theirs.Revoke(kept.Id, now));
        Assert.Equal("token-revoked", mine.Judge(whole, now, out _));
        Assert.Equal(kept.Id, Assert.Single(mine.All).Id);
    }

    [Fact]
    public void A_study_stands_where_it_was_written_last_and_is_handed_in_once()
    {
        using var book = Book();
        var entry = new StudyEntry("s-1", "hearts", "ana", DateTimeOffset.UtcNow, StudyState.Joining, new("s-1", "study.yaml", "YQ==", new([], "binary", "y", "auc", "1")), null, []);
        Assert.Equal("ana", book.Add(entry).Author);
        Assert.Equal("ana", book.Add(entry with { Author = "bob" }).Author);
        var joined = new Dictionary<string, JoinResult> { ["a"] = new("1", "X64", 256, ".NET", true, []) };
        book.Update(entry with { State = StudyState.Stopped, Joined = joined, Problems = [new("code", "a", new("f", "现"), new("e", "期"), new("r", "处"))] });
        book.Add(entry with { Id = "s-0", Submitted = entry.Submitted.AddDays(1) });

        var all = book.All();
        Assert.Equal(["s-1", "s-0"], all.Select(s => s.Id)); // oldest first, whatever their names
        Assert.Equal((StudyState.Stopped, entry.Submitted, "现"), (all[0].State, all[0].Submitted, all[0].Problems[0].Found.Zh));
        Assert.Equal(joined["a"].VectorBits, all[0].Joined!["a"].VectorBits);
        Assert.Null(all[1].Joined);
        Assert.True(book.Withdraw("s-1", "b", entry.Submitted));
        Assert.False(book.Withdraw("s-1", "b", entry.Submitted));
        Assert.True(book.Withdraw("s-1", "B", entry.Submitted));
        Assert.Equal(["B", "b"], book.Withdrawn("s-1"));
    }

    [Fact]
    public void The_ledger_reserves_charges_once_and_gives_back()
    {
        var accountant = new GaussianAccountant(NeighbouringRelation.AddOrRemoveOne);
        var (account, step) = (new LedgerAccount("run-1", "hearts", "a", "cohort"), new GaussianEvent(10));
        using (var ledger = Ledger())
        {
            ledger.SetBudget(new(BudgetScope.DataSet, "cohort", 1, 1e-5));
            ledger.SetBudget(new(BudgetScope.DataSet, "cohort", AnalyticGaussian.Epsilon(1, 1e-5), 1e-5)); // what 100 steps cost
            Assert.False(ledger.Charge(account, "round 1", step, "aa"));
            Assert.Null(ledger.Reserve(account, [new(step, 60)], accountant));
            Assert.Null(ledger.Reserve(account, [new(step, 60)], accountant)); // resumed
            Assert.True(ledger.Charge(account, "round 1", step.Times(4), "aa"));
            Assert.True(ledger.Charge(account, "round 1", step.Times(4), "aa"));
            Assert.False(ledger.Charge(account, "round 1", step.Times(4), "bb"));
            Assert.True(ledger.Charge(account, "round 2", step.Times(16), "cc"));
        }
        using var again = Ledger();
        Assert.Equal("cc", again.Charged(account, "round 2"));
        var entry = Assert.Single(again.Entries());
        Assert.Equal((2, 20, true, "gaussian"), (entry.Answers, entry.Charged.Single().Count, entry.Open, entry.Accountant));
        var other = account with { Run = "run-2" };
        Assert.NotNull(again.Reserve(other, [new(step, 80)], accountant));
        again.Close(account);
        Assert.Null(again.Reserve(other, [new(step, 80)], accountant));
    }

    [Fact]
    public void A_run_goes_on_with_what_it_kept_and_with_nothing_else()
    {
        var weights = Enumerable.Range(0, 3_000_000).Select(i => i * 0.5f).ToArray(); // 12 MB: more than one row may hold
        var info = new ModelInfo("local/a", "local", ["a"], weights.Length, 0, 0, 1, null, "", Federation.Spool.FloatFile.Sha256(weights), 0);
        using (var run = Run())
        {
            run.KeepValue("k", "a 'quoted' value");
            run.KeepValue("k", "another");
            foreach (var round in new[] { 2, 10, 1 }) run.KeepRound(new(new("federated", 0, round, ["a"], [], []), new("federated", 0, round, 0.5, new Dictionary<string, double>()), 8, 1, "d" + round));
            run.KeepModel(new(info, "a", "local/*", 7, []), weights);
            run.KeepModel(new(info with { Id = "federated+b" }, "b", "federated+*", 7, [], AtHome: true), default);
            run.KeepEvaluations("local/a", 0, [Judged(3)]);
            run.KeepEvaluations("local/a", 0, [Judged(4)]);
            run.KeepComparisons("federated", 0, [new("a", "local/a", "federated", new(5, []))]);
        }
        MoveElsewhere();
        using (var run = Run())
        {
            Assert.Equal("another", run.Value("k"));
            Assert.Equal([1, 2, 10], run.Rounds("federated", 0).Select(r => r.Info.Round));
            Assert.Empty(run.Rounds("federated", 1));
            Assert.Equal(7, run.Model("local/a", 0)!.Rows);
            Assert.Equal("b", Assert.Single(run.PersonalModels("federated", 0)).Owner);
            Assert.Equal(weights, run.Weights(run.Model("local/a", 0)!.Info));
            Assert.True(run.IsEvaluated("local/a", 0));
            Assert.False(run.IsEvaluated("federated", 0));
            Assert.Equal(4, Assert.Single(run.Evaluations("local/a", 0)).Result.Rows);
            Assert.Equal(5, Assert.Single(run.Comparisons("federated", 0)!).Result.Rows);
            run.Forget("federated", 0);
            Assert.Empty(run.Rounds("federated", 0));
        }
        Assert.Contains("run-differs", Assert.Throws<Declarations.InvalidDeclarationException>(() => Run("2")).Problems[0].Code, StringComparison.Ordinal);
    }

    [Fact]
    public void Updates_of_a_round_are_there_again_and_gone_once_they_are_not_needed()
    {
        using (var run = Run())
        {
            var path = run.RoundPath("federated", 0, 3, "spool");
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            using var spool = run.OpenSpool(path);
            spool.Append(Header("b.1", [1, 2, 3]), [1, 2, 3]);
            var arrived = Folder.At("arrived");
            var sha256 = Federation.Spool.FloatFile.Write(arrived, new float[] { 4, 5, 6 });
            spool.Adopt(Header("a", [4, 5, 6]), arrived);
            Assert.False(File.Exists(arrived));
            Assert.Equal(64, sha256.Length);
        }
        MoveElsewhere();
        using (var run = Run())
        {
            var path = run.RoundPath("federated", 0, 3, "spool");
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            using (var spool = run.OpenSpool(path))
            {
                Assert.Equal(["b.1", "a"], spool.Headers.Select(h => h.Site));
                var floats = new float[2];
                spool.InOrder(["a", "b.1"]).Read(0, 1, floats);
                Assert.Equal([5, 6], floats);
            }
            run.DeleteSpool(path);
            using var empty = run.OpenSpool(path);
            Assert.Empty(empty.Headers);
        }
    }

    /// <summary>The run goes on where its folder has never been, if the store allows it.</summary>
    private protected virtual void MoveElsewhere()
    {
    }

    private static Federation.Rounds.UpdateHeader Header(string site, float[] body) => new()
    {
        Site = site, Round = 3, Length = body.Length, Sha256 = Federation.Spool.FloatFile.Sha256(body), Rows = 5, Steps = 1, LearningRateSum = 1, NormalizedSteps = 1, Loss = 0.5,
    };

    private static EvaluationInfo Judged(int rows) => new()
    {
        Model = "local/a", Repeat = 0, Site = "a", Split = RowSplit.Test, Result = new EvaluationResult { Rows = rows, Metrics = new Dictionary<string, Estimate>() },
    };

    private static Enrolment Request(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new System.Security.Cryptography.X509Certificates.CertificateRequest("CN=" + name, key, HashAlgorithmName.SHA256);
        return new(name, CallerRole.Site, KeyFingerprint.Of(key).Plain, request.CreateSigningRequest(), "10.0.0.1", DateTimeOffset.UtcNow);
    }
}

/// <summary>In files of a folder.</summary>
public sealed class SqliteStateTests : StateContract
{
    private protected override CoordinatorDatabase Identity() => CoordinatorDatabase.Open(Folder.FullPath);

    private protected override StudyBook Book() => StudyBook.Open(Folder.At("studies.sqlite"));

    private protected override PrivacyLedger Ledger() => PrivacyLedger.Open(Folder.At("ledger.sqlite"), TimeProvider.System);

    private protected override RunStore Run(string version) => RunStore.Open(Folder.At("run"), true, [new("version", version)], TimeProvider.System, null);
}

/// <summary>In PostgreSQL, each test in a schema of its own.</summary>
public sealed class PostgresStateTests : StateContract
{
    private readonly TestDatabase _database = new();
    private readonly PostgresStore _store;
    private int _folders;

    public PostgresStateTests() => _store = PostgresStore.Open(_database.Address);

    public override void Dispose()
    {
        _store.Dispose();
        _database.Dispose();
        base.Dispose();
    }

    private protected override CoordinatorDatabase Identity() => CoordinatorDatabase.Of(_store);

    private protected override StudyBook Book() => new(_store.Control, owned: false);

    private protected override PrivacyLedger Ledger() => PrivacyLedger.Share("ledger", _store.Control, TimeProvider.System, null);

    private protected override RunStore Run(string version) => RunStore.Open(Folder.At($"run-{_folders}"), true, [new("version", version)], TimeProvider.System, null, _store.Of("s-1"));

    private protected override void MoveElsewhere()
    {
        _folders++;
        Assert.InRange(_database.Number("SELECT coalesce(max(octet_length(bytes)), 0) FROM @schema.body_parts"), 1, 8 << 20);
    }
}
