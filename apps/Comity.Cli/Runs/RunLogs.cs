using Comity.Cli.Composition;
using Comity.Federation.Audit;
using Comity.Insight.Evidence;

namespace Comity.Cli.Runs;

/// <summary>The sites' audit logs of a run's folder, judged for the report.</summary>
internal static class RunLogs
{
    /// <summary>Bytes of logs that a run checks itself at its end, about a second of signatures; <c>comity report</c> checks any number.</summary>
    public const long MostAtTheEnd = 8 << 20;

    /// <summary>What each log says left its site; empty: there are none, or more than asked for.</summary>
    /// <param name="run">The run's folder.</param>
    /// <param name="most">Most bytes to read.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    public static IReadOnlyList<SiteLog> Read(string run, long most, CancellationToken cancellationToken)
    {
        var folder = new DirectoryInfo(Path.Combine(run, RunFolder.AuditOfSitesName));
        if (!folder.Exists) return [];
        var files = folder.GetFiles("*.jsonl").OrderBy(f => f.Name, StringComparer.Ordinal).ToList();
        if (files.Sum(f => f.Length) > most) return [];
        var logs = new SiteLog[files.Count];
        OnAllCores.For(files.Count, i => logs[i] = SiteLog.Of(AuditVerdict.Of(files[i].FullName)), cancellationToken);
        return logs;
    }
}
