using System.Security.Cryptography;
using Comity.Federation.Audit;

namespace Comity.Federation.Tests.Audit;

/// <summary>What one log alone can't show, two parties' logs do.</summary>
public sealed class AuditReconciliationTests
{
    [Fact]
    public void Honest_logs_fit_also_after_a_restart()
    {
        using var parties = new AuditParties();
        parties.Rounds(2);
        parties.WhileDown(() => { });
        parties.Rounds(2, first: 3);
        parties.Close();

        var result = Reconcile(parties);

        Assert.Empty(result.Findings);
        Assert.Equal(4, result.Matched);
        Assert.Equal(8, result.Countersigned);
    }

    [Fact]
    public void A_truncated_log_is_found_at_every_length()
    {
        using var parties = new AuditParties();
        parties.Rounds(3);
        parties.Dispose(keepFolder: true);
        var lines = File.ReadAllLines(parties.SitePath);
        var lastUpdate = Array.FindLastIndex(lines, l => l.Contains("\"kind\":\"update\"", StringComparison.Ordinal));
        // Behind the last head that the coordinator countersigned only the site's own receipt can go: nothing that left.
        for (var keep = 1; keep <= lastUpdate; keep++)
        {
            File.WriteAllLines(parties.SitePath, lines[..keep]);
            Assert.Contains(Reconcile(parties).Findings, f => f.Code == "audit-rolled-back");
        }
    }

    [Fact]
    public void A_state_folder_that_was_put_back_and_used_again_is_a_fork()
    {
        using var parties = new AuditParties();
        parties.Rounds(1);
        var backup = parties.Folder.At("backup");
        parties.WhileDown(() => File.Copy(parties.SitePath, backup));
        parties.Rounds(2, first: 2);
        parties.WhileDown(() => File.Copy(backup, parties.SitePath, overwrite: true));
        parties.Rounds(5, first: 4); // goes on as if nothing had been

        Assert.True(AuditVerdict.Of(parties.SitePath).Holds); // by itself nobody sees it
        Assert.Contains(Reconcile(parties).Findings, f => f.Code == "audit-forked");
    }

    [Fact]
    public void A_log_made_anew_with_the_same_key_is_found_and_with_another_key_too()
    {
        using var parties = new AuditParties();
        parties.Rounds(2);
        parties.Dispose(keepFolder: true);
        File.Delete(parties.SitePath);
        using (var anew = AuditLog.Open(parties.SitePath, "site", parties.SiteKey, TimeProvider.System))
        {
            for (var i = 0; i < 8; i++) anew.Write(AuditParties.Update(1 + (i % 2)));
        }
        Assert.Contains(Reconcile(parties).Findings, f => f.Code == "audit-forked");

        File.Delete(parties.SitePath);
        using var other = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using (var anew = AuditLog.Open(parties.SitePath, "site", other, TimeProvider.System))
        {
            for (var i = 0; i < 8; i++) anew.Write(AuditParties.Update(1 + (i % 2)));
        }
        Assert.Contains(Reconcile(parties).Findings, f => f.Code == "audit-foreign-head");
    }

    [Fact]
    public void The_coordinator_is_held_to_its_heads_as_the_site_is()
    {
        using var parties = new AuditParties();
        parties.Rounds(2);
        parties.Dispose(keepFolder: true);
        var lines = File.ReadAllLines(parties.CoordinatorPath);
        File.WriteAllLines(parties.CoordinatorPath, lines[..^1]);

        var found = Reconcile(parties).Findings;

        Assert.Contains(found, f => f.Code == "audit-rolled-back");
        Assert.Contains(found, f => f.Code == "audit-unarrived"); // the update whose arrival was struck out
    }

    [Fact]
    public void What_arrived_without_having_left_is_found()
    {
        using var parties = new AuditParties();
        parties.Rounds(1);
        parties.Coordinator.Write(AuditParties.Update(7) with { Direction = AuditDirection.In, Peer = "site" });

        Assert.Contains(Reconcile(parties).Findings, f => f.Code == "audit-unsent");
    }

    [Fact]
    public void Two_histories_of_one_party_are_a_fork_and_a_shorter_one_an_older_copy()
    {
        using var parties = new AuditParties();
        parties.Rounds(1);
        var (older, other) = (parties.Folder.At("older"), parties.Folder.At("other"));
        parties.WhileDown(() => File.Copy(parties.SitePath, older));
        parties.Round(2);
        parties.WhileDown(() =>
        {
            File.Copy(parties.SitePath, other);
            File.Copy(older, parties.SitePath, overwrite: true);
        });
        parties.Round(3);

        Assert.Contains(Of(older, other).Findings, f => f.Code == "audit-older-copy");
        Assert.Contains(Of(parties.SitePath, other).Findings, f => f.Code == "audit-two-histories");
    }

    private static AuditReconciliation Reconcile(AuditParties parties) => Of(parties.SitePath, parties.CoordinatorPath);

    private static AuditReconciliation Of(string a, string b) => AuditReconciliation.Of(AuditVerdict.Of(a), AuditVerdict.Of(b));
}
