using System.Globalization;
using Comity.Cli.Sites;
using Comity.Cli.Terminal;
using Comity.Transport.Clients;
using Comity.Transport.Protocol;

namespace Comity.Cli.Network;

/// <summary>Shows how a study at a coordinator gets on: events line by line, and each site with what it does.</summary>
/// <remarks>On a terminal the sites stand below the events and are written anew each second; elsewhere they are told every few seconds, where they changed.</remarks>
internal sealed class WatchView(Session session)
{
    private const int MostSites = 20;
    private static readonly TimeSpan Live = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Wait = TimeSpan.FromSeconds(5);
    private readonly HashSet<string> _stalled = [];
    private readonly LiveBlock? _block = session.Out.IsTerminal ? new(session.Out, LiveBlock.Window) : null;
    private readonly Dictionary<string, string> _told = new(StringComparer.Ordinal);
    private long? _toldAt;
    private bool _lost;

    /// <summary>Follows a study to its end.</summary>
    /// <returns>How it ended.</returns>
    public async Task<StudyView> FollowAsync(StudyClient client, string id, CancellationToken cancellationToken)
    {
        long after = 0;
        StudyState? state = null;
        try
        {
            while (true)
            {
                StudyView view;
                try
                {
                    view = await client.ViewAsync(id, after, _block is null ? Wait : Live, cancellationToken);
                }
                catch (Exception e) when (CoordinatorProblems.MayPass(e))
                {
                    // A study does not end with a watcher's line: the coordinator may be started again.
                    if (!_lost) Error(session.Text("watch.lost", e.Message));
                    _lost = true;
                    await Task.Delay(TimeSpan.FromSeconds(1), session.Time, cancellationToken);
                    continue;
                }
                if (_lost) Lines([session.Text("watch.back")]);
                _lost = false;
                if (view.Events.Count > 0 && view.Events[0].Number <= after) after = 0; // the coordinator was started again: its events begin anew
                Lines([.. view.Events.Where(e => e.Number > after).Select(Line)]);
                if (view.Events.Count > 0) after = view.Events[^1].Number;
                if (state != view.State) Lines([session.Text("watch.state", view.Study, session.Text("state." + view.State))]);
                state = view.State;
                Stalled(view);
                var ended = view.State is StudyState.Done or StudyState.Stopped or StudyState.Cancelled;
                Sites(view, ended);
                if (ended) return view;
            }
        }
        finally
        {
            _block?.Clear();
        }
    }

    /// <summary>One study with its sites, as it stands.</summary>
    public void Show(StudyView view)
    {
        session.Out.Line(session.Text("watch.state", $"{view.Id} ({view.Study})", session.Text("state." + view.State)));
        foreach (var site in view.Sites)
        {
            foreach (var line in Lines(site, seen: true)) session.Out.Line(line);
        }
        if (view.Problems.Count > 0) ProblemPrinter.Print(session, [.. view.Problems.Select(p => p.ToProblem(view.Id))], session.Text("watch.resume", view.Id));
    }

    private void Sites(StudyView view, bool ended)
    {
        // Who stands still comes first where not all have room.
        var sites = view.Sites.Count <= MostSites ? view.Sites : [.. view.Sites.OrderByDescending(s => s.Stalled).ThenByDescending(s => s.StillSeconds ?? -1).Take(MostSites)];
        var more = view.Sites.Count - sites.Count;
        string[] rest = more > 0 ? [session.Text("watch.more-sites", more)] : [];
        if (_block is not null)
        {
            _block.Show(ended ? [] : [.. sites.SelectMany(s => Lines(s, seen: true)), .. rest]);
            return;
        }
        if (!ended && _toldAt is { } last && session.Time.GetElapsedTime(last) < Wait) return;
        _toldAt = session.Time.GetTimestamp();
        foreach (var site in sites)
        {
            var now = string.Join('\n', Lines(site, seen: false)); // seconds since a call differ each time and tell nothing new
            if (_told.TryGetValue(site.Site, out var before) && before == now) continue;
            _told[site.Site] = now;
            Lines(Lines(site, seen: true));
        }
    }

    private List<string> Lines(SiteView site, bool seen)
    {
        var last = !seen ? "" : site.LastSeenSeconds is { } seconds ? session.Text("watch.seen", seconds.ToString("0", CultureInfo.InvariantCulture)) : session.Text("watch.never-seen");
        var lines = new List<string> { $"  {site.Site}  {last}  {session.Text("watch.bytes", Bytes(site.BytesIn), Bytes(site.BytesOut))}" };
        foreach (var task in site.Tasks)
        {
            var epoch = task.Epochs > 0 ? string.Create(CultureInfo.InvariantCulture, $"  {task.Epoch}/{task.Epochs}") : "";
            var loss = task.Loss is { } value ? "  " + session.Text("progress.loss", value.ToString("0.0000", session.Language)) : "";
            lines.Add($"    {session.Text("task." + task.Kind)} {task.What}{(task.Round > 0 ? string.Create(CultureInfo.InvariantCulture, $" #{task.Round}") : "")}  {session.Text("phase." + (task.Phase?.ToString() ?? "Waiting"))}{epoch}{loss}");
        }
        return lines;
    }

    private void Stalled(StudyView view)
    {
        foreach (var site in view.Sites)
        {
            if (!site.Stalled) _stalled.Remove(site.Site);
            else if (_stalled.Add(site.Site))
                Error(session.Error.Yellow(session.Text("watch.stalled", site.Site, (site.StillSeconds ?? 0).ToString("0", CultureInfo.InvariantCulture), (view.PatienceSeconds ?? 0).ToString("0", CultureInfo.InvariantCulture))));
        }
    }

    private void Lines(IReadOnlyCollection<string> lines)
    {
        if (_block is not null && lines.Count > 0) _block.Above(lines);
        else foreach (var line in lines) session.Out.Line(line);
    }

    private void Error(string line)
    {
        _block?.Clear();
        session.Error.Line(line);
    }

    private string Line(StudyEventView happened) => $"{happened.At.ToLocalTime().ToString("HH:mm:ss", CultureInfo.InvariantCulture)}  {What(happened)}";

    private string What(StudyEventView happened)
    {
        var code = happened is { Code: "trial-started", Arguments: [_, _, _, "0"] } ? "trial-alone" : happened.Code; // what is not trained in rounds has none to count
        try
        {
            return session.Text("event." + code, [.. happened.Arguments.Concat(Enumerable.Repeat("-", 8)).Take(8)]);
        }
        catch (KeyNotFoundException)
        {
            return string.Join(' ', [happened.Code, .. happened.Arguments]); // a newer coordinator tells of more
        }
    }

    private static string Bytes(long bytes) => bytes < 1 << 20
        ? string.Create(CultureInfo.InvariantCulture, $"{bytes / 1024.0:0.#} KiB")
        : string.Create(CultureInfo.InvariantCulture, $"{bytes / 1048576.0:0.#} MiB");
}
