using System.Collections.Concurrent;

namespace Comity.EndToEnd.Tests.Kills;

/// <summary>The steps of one site's gate in a run of one process: each write, flush, renaming and deletion on the way of an answer from its noise to the coordinator's spool.</summary>
/// <param name="site">Whose gate.</param>
/// <param name="chargedTogether">Whether one charge after the other is made for all sites, and not for each where its answer leaves.</param>
internal sealed class GateSteps(string site, bool chargedTogether)
{
    private readonly ConcurrentDictionary<string, int> _seen = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, int> _killed = new(StringComparer.Ordinal);

    /// <summary>Those before which a process was killed, in their order.</summary>
    public IReadOnlyList<string> Killed => [.. _killed.OrderBy(s => s.Value).Select(s => s.Key)];

    /// <summary>Those of an undisturbed run before which none was killed yet.</summary>
    public IReadOnlyList<string> Spared => [.. _seen.OrderBy(s => s.Value).Select(s => s.Key).Where(s => !_killed.ContainsKey(s))];

    /// <summary>Only looks on while an undisturbed process goes through its steps.</summary>
    /// <param name="root">The run's folder.</param>
    public Func<FileCall, bool> Watch(string root)
    {
        var name = Namer(root);
        return call =>
        {
            if (name(call) is { } step) _seen.TryAdd(step, _seen.Count);
            return false;
        };
    }

    /// <summary>Kills a process before the first of a share of the steps that nobody was killed at yet.</summary>
    /// <param name="root">The run's folder.</param>
    /// <param name="share">Which share; a step that only resumed runs take is everybody's.</param>
    /// <param name="shares">How many there are.</param>
    /// <remarks>Dealt out so, a resumed process takes further steps before it is killed again, in which it would show what it remembers wrongly.</remarks>
    public Func<FileCall, bool> Kill(string root, int share, int shares)
    {
        var name = Namer(root);
        return call => name(call) is { } step && (!_seen.TryGetValue(step, out var place) || place % shares == share) && _killed.TryAdd(step, _killed.Count);
    }

    // A process's own view: what each of its threads did last for a site tells whose answer it writes to a file that all share.
    private Func<FileCall, string?> Namer(string root)
    {
        var last = new Dictionary<int, (string Path, string Step, int Times)>();
        return call =>
        {
            if (!call.Path.StartsWith(root + "/", StringComparison.Ordinal) || call.Name is "mkdir" or "mkdirat" or "rmdir") return null;
            var path = call.Path[(root.Length + 1)..];
            var of = last.GetValueOrDefault(call.Thread);
            if (path.StartsWith("sites/", StringComparison.Ordinal))
            {
                // The second judging of a model goes the way of the first.
                var shown = path.Replace("~validation~", "~test~", StringComparison.Ordinal);
                var step = $"{call.Name} {shown}{(path.Contains(".keys", StringComparison.Ordinal) ? $" over state {Leavings.StateOfKeys(call.Path)}" : "")}";
                var times = of.Step == step ? of.Times + 1 : 1;
                last[call.Thread] = (path, step, times);
                // A file that is yet to take another one's name is looked at by nobody; and once the results are there, all of this goes.
                if (!IsOwn(path) || path.EndsWith(".part", StringComparison.Ordinal) && call.Name is not ("pwrite64" or "fsync") || File.Exists(Path.Combine(root, "results.json"))) return null;
                return times > 1 ? $"{step}, part {times}" : step;
            }
            // How many charges stand tells the answers apart; in which order the sites of a round come is not sure.
            var named = $"{call.Name} {path}";
            string Charged() => $"{named}, {LedgerFile.Charges(Path.Combine(root, "ledger.sqlite")).Count(c => chargedTogether || c.Site == site)} charged";
            var own = of.Path is not null && IsOwn(of.Path);
            if (path == "ledger.sqlite-wal") return call.Name is "pwrite64" or "fsync" or "fdatasync" && (chargedTogether || own) ? Charged() : null;
            return own && (path == $"audit/{site}.jsonl" || path.EndsWith(".spool", StringComparison.Ordinal) && call.Name == "pwrite64") ? Charged() : null;
        };
    }

    private bool IsOwn(string path) => path.StartsWith($"sites/{site}/", StringComparison.Ordinal);
}
