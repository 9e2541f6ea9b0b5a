using System.Security.Cryptography;
using Comity.Declarations;
using Comity.Federation.Audit;
using Comity.Federation.Privacy;
using Comity.Privacy.Accounting;
using Comity.Privacy.Events;
using Comity.Testing;
using Microsoft.Data.Sqlite;

namespace Comity.Federation.Tests.Audit;

/// <summary>Real ledgers and logs, copied and put back as somebody would who wants to spend a budget twice.</summary>
public sealed class LedgerBindingTests : IDisposable
{
    private static readonly LedgerAccount Account = new("run", "study", "berlin", "ward");
    private static readonly PrivacyEvent Event = new GaussianEvent(5);
    private readonly TempFolder _folder = new();
    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    public void Dispose()
    {
        _key.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void A_ledger_that_is_older_than_the_log_is_found_at_the_start_and_by_whoever_verifies()
    {
        Release(1, 2);
        File.Copy(Ledger, _folder.At("kept"));
        Assert.Null(Judge());
        Release(3);
        Assert.Null(Judge());

        File.Copy(_folder.At("kept"), Ledger, overwrite: true);
        Assert.Equal("ledger-rolled-back", Judge());

        // Charged again for something else, it is as long as it was: its chain is another.
        Release(4);
        Assert.Equal("ledger-other", JudgeStart());
        Assert.Equal("ledger-other", Judge());
        Release(6, 7); // nor does it help to go on beyond what it had been
        Assert.Equal("ledger-other", Judge());
        File.Delete(Ledger);
        Assert.Equal("ledger-gone", Judge());
    }

    [Fact]
    public void A_charge_whose_line_was_never_written_is_no_roll_back()
    {
        Release(1);
        using (var ledger = Open()) Assert.True(ledger.Charge(Account, "answer-2", Event, Digest(2))); // killed before the log
        Assert.Null(Judge());
        Release(2, 3); // charged already, it leaves now
        Assert.Null(Judge());
    }

    [Fact]
    public void An_edited_charge_is_found_and_a_log_without_charges_binds_nothing()
    {
        Assert.Null(LedgerBinding.Check((LedgerHead?)null, Ledger, TimeProvider.System));
        Release(1, 2);
        Edit("UPDATE charges SET event = event || ' ' WHERE answer = 'answer-1'");
        Assert.Equal("ledger-edited", Judge());
        Edit("DELETE FROM seal"); // as if it were of a version that had none: it is sealed as it is, and the log still knows better
        Assert.Equal("ledger-other", Judge());
    }

    [Theory]
    [InlineData("DELETE FROM charges WHERE answer = 'answer-2'")] // the last one
    [InlineData("DELETE FROM charges")]
    [InlineData("UPDATE charges SET count = 0 WHERE answer = 'answer-1'")]
    [InlineData("INSERT INTO charges SELECT account, 'answer-9', event, count, sha256, time FROM charges LIMIT 1")]
    [InlineData("UPDATE accounts SET dataset = 'another ward'")]
    [InlineData("UPDATE accounts SET open = 0")]
    [InlineData("UPDATE reserved SET count = 1000")]
    [InlineData("UPDATE budgets SET epsilon = 80")]
    [InlineData("DELETE FROM budgets")]
    public void A_ledger_that_another_program_edited_is_refused_with_place_and_remedy_by_itself(string edit)
    {
        using (var ledger = Open()) ledger.SetBudget(new(BudgetScope.DataSet, "ward", 8, 1e-5));
        Release(1, 2);
        using (PrivacyLedger.Open(Ledger, TimeProvider.System))
        {
            // As it was written it opens.
        }
        Edit(edit);

        var problem = Assert.Single(Assert.Throws<InvalidDeclarationException>(() => PrivacyLedger.Open(Ledger, TimeProvider.System)).Problems);

        Assert.Equal("ledger-edited", problem.Code);
        Assert.Equal(Ledger, problem.Place.File);
        Assert.Contains("backup", problem.Remedy(System.Globalization.CultureInfo.GetCultureInfo("en")), StringComparison.Ordinal);
        Assert.Equal("ledger-edited", LedgerBinding.Check((LedgerHead?)null, Ledger, TimeProvider.System)?.Code);
    }

    [Fact]
    public void Budgets_edited_while_a_process_has_the_ledger_open_are_not_sealed_over()
    {
        using var ledger = Open();
        ledger.SetBudget(new(BudgetScope.DataSet, "ward", 8, 1e-5));
        Edit("UPDATE budgets SET epsilon = 80");
        Assert.Throws<InvalidDeclarationException>(() => ledger.Close(Account));
        Assert.Throws<InvalidDeclarationException>(() => PrivacyLedger.Open(Ledger, TimeProvider.System));
    }

    [Fact]
    public void Two_processes_share_a_ledger_and_neither_breaks_the_others_seal()
    {
        using (var one = Open())
        using (var other = PrivacyLedger.Open(Ledger, TimeProvider.System))
        {
            Assert.True(one.Charge(Account, "a", Event, Digest(1)));
            Assert.True(other.Charge(Account, "b", Event, Digest(2)));
            Assert.True(one.Charge(Account, "c", Event, Digest(3)));
            other.SetBudget(new(BudgetScope.Site, "berlin", 9, 1e-5));
            one.Close(Account);
        }
        using var again = PrivacyLedger.Open(Ledger, TimeProvider.System);
        Assert.Equal(3, again.Head.Charges);
    }

    [Fact]
    public void What_is_no_ledger_is_refused_as_such()
    {
        _folder.Write(PrivacyLedger.FileName, new string('x', 3000));
        Assert.Equal("ledger-unreadable", Assert.Single(Assert.Throws<InvalidDeclarationException>(() => PrivacyLedger.Open(Ledger, TimeProvider.System)).Problems).Code);
    }

    [Fact]
    public void A_folder_that_is_put_back_as_a_whole_is_found_by_the_head_that_a_peer_wrote_down()
    {
        Release(1);
        File.Copy(Ledger, _folder.At("kept-ledger"));
        File.Copy(Log, _folder.At("kept-log"));
        Release(2);
        using var peer = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using (var log = AuditLog.Open(_folder.At("peer.jsonl"), "coordinator", peer, TimeProvider.System))
            log.Write(new AuditEntry { Direction = AuditDirection.In, Kind = "update", Peer = "berlin", Sha256 = Digest(2), Head = AuditVerdict.Of(Log).Head });

        File.Copy(_folder.At("kept-ledger"), Ledger, overwrite: true);
        File.Copy(_folder.At("kept-log"), Log, overwrite: true);
        Assert.Null(Judge()); // they fit each other: the site alone can't tell
        Assert.Contains("audit-rolled-back", AuditReconciliation.Of(AuditVerdict.Of(Log), AuditVerdict.Of(_folder.At("peer.jsonl"))).Findings.Select(f => f.Code));

        Release(5); // and going on from there makes a fork
        Assert.Contains("audit-forked", AuditReconciliation.Of(AuditVerdict.Of(Log), AuditVerdict.Of(_folder.At("peer.jsonl"))).Findings.Select(f => f.Code));
    }

    private string Ledger => _folder.At(PrivacyLedger.FileName);

    private string Log => _folder.At("audit.jsonl");

    private PrivacyLedger Open()
    {
        var ledger = PrivacyLedger.Open(Ledger, TimeProvider.System);
        Assert.Null(ledger.Reserve(Account, [new(Event, 10)], new PldAccountant(NeighbouringRelation.AddOrRemoveOne)));
        return ledger;
    }

    private void Release(params ReadOnlySpan<int> answers)
    {
        using var ledger = Open();
        using var log = AuditLog.Open(Log, "berlin", _key, TimeProvider.System);
        foreach (var answer in answers)
        {
            Assert.True(ledger.Charge(Account, $"answer-{answer}", Event, Digest(answer)));
            log.Write(new AuditEntry { Direction = AuditDirection.Out, Kind = "update", Peer = "coordinator", Sha256 = Digest(answer), Ledger = ledger.Head });
        }
    }

    private void Edit(string statement)
    {
        using var connection = new SqliteConnection($"Data Source={Ledger};Pooling=false");
        connection.Open();
        using var edit = connection.CreateCommand();
        edit.CommandText = statement;
        Assert.True(edit.ExecuteNonQuery() > 0);
    }

    private string? Judge()
    {
        var verdict = AuditVerdict.Of(Log);
        Assert.True(verdict.Holds);
        return LedgerBinding.Check(verdict, TimeProvider.System)?.Code;
    }

    private string? JudgeStart()
    {
        using var log = AuditLog.Open(Log, "berlin", _key, TimeProvider.System);
        return LedgerBinding.Check(log.LastLedger, Ledger, TimeProvider.System)?.Code;
    }

    private static string Digest(int answer) => Convert.ToHexStringLower(SHA256.HashData([(byte)answer]));
}
