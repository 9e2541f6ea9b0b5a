using System.Security.Cryptography;
using Comity.Coordinator.Storage;
using Comity.Federation.Audit;
using Comity.Testing;
using Microsoft.Extensions.Logging.Abstractions;

namespace Comity.Coordinator.Tests.Storage;

/// <summary>One audit log for all who lead in a store, one after the other: whatever their folders hold, it is one chain.</summary>
public sealed class SharedAuditTests : IDisposable
{
    private readonly TestDatabase _database = new();
    private readonly TempFolder _folder = new();
    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    public void Dispose()
    {
        _database.Dispose();
        _folder.Dispose();
        _key.Dispose();
    }

    [Fact]
    public void Who_leads_next_goes_on_with_the_chain_in_an_empty_folder_and_in_one_that_was_left_behind()
    {
        Lead("a", 3);
        Lead("b", 2);
        Lead("a", 1);
        Assert.Equal(File.ReadAllText(_folder.At("a")), Stored());
        Assert.StartsWith(File.ReadAllText(_folder.At("b")), Stored(), StringComparison.Ordinal);
        var verdict = AuditVerdict.Of(_folder.At("a"));
        Assert.True(verdict.Holds, string.Join("\n", verdict.Findings));
        Assert.Equal(["a 0", "a 1", "a 2", "b 0", "b 1", "a 0"], verdict.Lines.Select(l => l.Entry.What).Where(w => w.Length > 0));
    }

    [Fact]
    public void A_line_that_was_written_and_not_kept_goes_into_the_store_when_its_writer_leads_next()
    {
        Lead("a", 2);
        using (var log = AuditLog.Open(_folder.At("a"), "coordinator", _key, TimeProvider.System)) log.Write(Entry("killed before it was kept"));
        File.AppendAllText(_folder.At("a"), "{\"torn");
        Lead("a", 1);
        Assert.Equal(File.ReadAllText(_folder.At("a")), Stored());
        Assert.Contains("killed before it was kept", Stored(), StringComparison.Ordinal);
        Assert.True(AuditVerdict.Of(_folder.At("a")).Holds);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(5)]
    public void Lines_of_one_who_was_displaced_are_set_aside_and_the_stores_stand(int before)
    {
        Lead("a", before);
        var common = Stored();
        // It sleeps, writes what it could not keep, and others lead meanwhile.
        using (var log = AuditLog.Open(_folder.At("a"), "coordinator", _key, TimeProvider.System))
        {
            for (var i = 0; i < 3; i++) log.Write(Entry($"never handed on {i}"));
        }
        var parted = File.ReadAllText(_folder.At("a"))[common.Length..];
        Lead("b", 4);
        var epoch = Lead("a", 1);
        Assert.Equal(File.ReadAllText(_folder.At("a")), Stored());
        Assert.DoesNotContain("never handed on", Stored(), StringComparison.Ordinal);
        Assert.Equal(parted, File.ReadAllText(_folder.At($"a.before-epoch-{epoch}.jsonl")));
        Assert.True(AuditVerdict.Of(_folder.At("a")).Holds);
    }

    [Fact]
    public void Logs_from_before_there_was_a_shared_one_begin_it_or_are_set_aside_whole()
    {
        foreach (var name in new[] { "a", "b" })
        {
            using var log = AuditLog.Open(_folder.At(name), "coordinator", _key, TimeProvider.System);
            log.Write(Entry("before, " + name));
        }
        var other = File.ReadAllText(_folder.At("b"));
        Lead("a", 1);
        var epoch = Lead("b", 1);
        Assert.Equal(File.ReadAllText(_folder.At("b")), Stored());
        Assert.Contains("before, a", Stored(), StringComparison.Ordinal);
        var aside = _folder.At($"b.before-epoch-{epoch}.jsonl");
        Assert.Equal(other, File.ReadAllText(aside));
        Assert.True(AuditVerdict.Of(aside).Holds);
    }

    [Fact]
    public void Whose_epoch_is_over_keeps_nothing_and_many_who_write_at_once_lose_nothing()
    {
        using var store = Open();
        var shared = SharedAudit.Take(store, _folder.At("a"), NullLogger.Instance);
        using var log = AuditLog.Open(_folder.At("a"), "coordinator", _key, TimeProvider.System);
        Parallel.For(0, 64, i =>
        {
            var head = log.Write(Entry($"task {i}"));
            shared.Keep();
            // What is handed on after this line stands in the store.
            Assert.Equal(1, _database.Number($"SELECT count(*) FROM @schema.audit WHERE sequence = {head.Sequence} AND line LIKE '%task {i}\"%'"));
        });
        Assert.Equal(File.ReadAllText(_folder.At("a")), Stored());

        var before = Stored();
        _database.RaiseEpoch();
        log.Write(Entry("too late"));
        Assert.Throws<StaleEpochException>(shared.Keep);
        Assert.Equal(before, Stored());
    }

    private static AuditEntry Entry(string what) => new() { Direction = AuditDirection.Out, Kind = "task-round", Study = "s-1", What = what, Sha256 = new string('0', 64), Peer = "north" };

    // Leads for a while with a folder's copy, and says in which epoch.
    private long Lead(string name, int tasks)
    {
        using var store = Open();
        var shared = SharedAudit.Take(store, _folder.At(name), NullLogger.Instance);
        using var log = AuditLog.Open(_folder.At(name), "coordinator", _key, TimeProvider.System);
        shared.Keep();
        for (var i = 0; i < tasks; i++)
        {
            log.Write(Entry($"{name} {i}"));
            shared.Keep();
        }
        return store.Epoch;
    }

    private PostgresStore Open() => PostgresStore.Lead(_database.Address, TimeProvider.System, NullLogger.Instance, default);

    private string Stored() => string.Concat(_database.Names("SELECT line || chr(10) FROM @schema.audit ORDER BY sequence"));
}
