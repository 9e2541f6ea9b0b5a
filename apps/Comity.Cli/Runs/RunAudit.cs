using System.Collections.Concurrent;
using System.Security.Cryptography;
using Comity.Cli.Composition;
using Comity.Federation.Audit;
using Comity.Transport.Protocol;

namespace Comity.Cli.Runs;

/// <summary>The audit logs of a run in one process, as its parties would keep them: <c>audit.jsonl</c> is the coordinator's, <c>audit/SITE.jsonl</c> each site's.</summary>
/// <remarks>Each party signs with a key of its own that lives in this process only: once the run is over nobody can write its history anew. A resumed run goes on with other keys, which the logs say.</remarks>
internal sealed class RunAudit : IAuditTrail, IDisposable
{
    /// <summary>The coordinator's name in logs.</summary>
    public const string Coordinator = WireAudit.Coordinator;

    // Systems let a process have a few thousand files open at the least once it asks for all it may have, as the runtime does.
    private const int MostOpen = 1000;

    /// <summary>The policy rule under which things leave in one process: no party but the one who runs it.</summary>
    private const string Rule = "simulation";

    private readonly string _study;
    private readonly TimeProvider _time;
    private readonly string _folder;
    private readonly ConcurrentBag<ECDsa> _keys = [];
    private readonly ConcurrentDictionary<string, AuditLog> _sites = new(StringComparer.Ordinal);
    private readonly AuditLog _coordinator;

    public RunAudit(RunFolder folder, string study, IReadOnlyList<string> sites, TimeProvider time)
    {
        (_study, _time, _folder) = (study, time, folder.AuditOfSites);
        Directory.CreateDirectory(_folder);
        _coordinator = AuditLog.Open(folder.Audit, Coordinator, Key(), time);
        try
        {
            var file = sites.Count <= MostOpen ? AuditFile.KeptOpen : AuditFile.OpenedForEachLine;
            OnAllCores.For(sites.Count, i => _sites[sites[i]] = AuditLog.Open(Path.Combine(_folder, sites[i] + ".jsonl"), sites[i], Key(), _time, file), CancellationToken.None);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Whether the run has just begun.</summary>
    public bool IsNew => _coordinator.IsNew;

    /// <inheritdoc/>
    /// <remarks>It stands in the site's log, then with the site's head in the coordinator's.</remarks>
    public void Leaves(string site, AuditEntry entry)
    {
        entry = entry with { Study = _study, Rule = Rule };
        var head = _sites[site].Write(entry with { Direction = AuditDirection.Out, Peer = Coordinator });
        // What a ledger was charged is the site's own affair.
        _coordinator.WriteCovered(entry with { Direction = AuditDirection.In, Peer = site, Head = head, Charge = null });
    }

    /// <inheritdoc/>
    /// <remarks>It stands in the coordinator's log, then with the coordinator's head in the site's.</remarks>
    public void Given(string site, AuditEntry entry)
    {
        entry = entry with { Study = _study, Rule = Rule };
        var head = _coordinator.Write(entry with { Direction = AuditDirection.Out, Peer = site });
        _sites[site].WriteCovered(entry with { Direction = AuditDirection.In, Peer = Coordinator, Head = head });
    }

    /// <summary>The run is complete: every log is closed, the sites' ends countersigned.</summary>
    public void Close()
    {
        foreach (var (site, log) in _sites.OrderBy(s => s.Key, StringComparer.Ordinal))
        {
            log.Write(new AuditEntry { Direction = AuditDirection.In, Kind = AuditKinds.Receipt, Peer = Coordinator, Study = _study, Head = _coordinator.Head });
            log.Close();
            _coordinator.Write(new AuditEntry { Direction = AuditDirection.In, Kind = AuditKinds.Receipt, Peer = site, Study = _study, Head = log.Head });
        }
        _coordinator.Close();
    }

    public void Dispose()
    {
        _coordinator.Dispose();
        foreach (var log in _sites.Values) log.Dispose();
        foreach (var key in _keys) key.Dispose();
    }

    private ECDsa Key()
    {
        var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        _keys.Add(key);
        return key;
    }
}
