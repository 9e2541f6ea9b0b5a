using System.Globalization;
using Comity.Cli.Terminal;
using Comity.Transport.Clients;
using Comity.Transport.Protocol;

namespace Comity.Cli.Network;

/// <summary>Shows how a study at a coordinator gets on, line by line: events, and whom it waits for.</summary>
internal sealed class WatchView(Session session)
{
    private static readonly TimeSpan Wait = TimeSpan.FromSeconds(5);
    private readonly HashSet<string> _stalled = [];

    /// <summary>Follows a study to its end.</summary>
    /// <returns>How it ended.</returns>
    public async Task<StudyView> FollowAsync(StudyClient client, string id, CancellationToken cancellationToken)
    {
        long after = 0;
        StudyState? state = null;
        while (true)
        {
            StudyView view;
            try
            {
                view = await client.ViewAsync(id, after, Wait, cancellationToken);
            }
            catch (Exception e) when (e is HttpRequestException or IOException or TimeoutException || (e is WireException { MayPass: true }))
            {
                // A study does not end with a watcher's line: the coordinator may be started again.
                await Task.Delay(TimeSpan.FromSeconds(1), session.Time, cancellationToken);
                continue;
            }
            if (view.Events.Count > 0 && view.Events[0].Number <= after) after = 0; // the coordinator was started again: its events begin anew
            foreach (var happened in view.Events.Where(e => e.Number > after)) session.Out.Line(Line(happened));
            if (view.Events.Count > 0) after = view.Events[^1].Number;
            if (state != view.State) session.Out.Line(session.Text("watch.state", view.Study, session.Text("state." + view.State)));
            state = view.State;
            Stalled(view);
            if (view.State is StudyState.Done or StudyState.Stopped or StudyState.Cancelled) return view;
        }
    }

    /// <summary>One study with its sites, as it stands.</summary>
    public void Show(StudyView view)
    {
        session.Out.Line(session.Text("watch.state", $"{view.Id} ({view.Study})", session.Text("state." + view.State)));
        foreach (var site in view.Sites)
        {
            var seen = site.LastSeenSeconds is { } seconds ? session.Text("watch.seen", seconds.ToString("0", CultureInfo.InvariantCulture)) : session.Text("watch.never-seen");
            session.Out.Line($"  {site.Site}  {seen}  {session.Text("watch.bytes", Bytes(site.BytesIn), Bytes(site.BytesOut))}");
            foreach (var task in site.Tasks)
            {
                var epoch = task.Epochs > 0 ? string.Create(CultureInfo.InvariantCulture, $"  {task.Epoch}/{task.Epochs}") : "";
                var loss = task.Loss is { } value ? "  " + session.Text("progress.loss", value.ToString("0.0000", session.Language)) : "";
                session.Out.Line($"    {session.Text("task." + task.Kind)} {task.What}{(task.Round > 0 ? string.Create(CultureInfo.InvariantCulture, $" #{task.Round}") : "")}  {session.Text("phase." + (task.Phase?.ToString() ?? "Waiting"))}{epoch}{loss}");
            }
        }
        if (view.Problems.Count > 0) ProblemPrinter.Print(session, [.. view.Problems.Select(p => p.ToProblem(view.Id))], session.Text("watch.resume", view.Id));
    }

    private void Stalled(StudyView view)
    {
        foreach (var site in view.Sites)
        {
            if (!site.Stalled) _stalled.Remove(site.Site);
            else if (_stalled.Add(site.Site))
                session.Error.Line(session.Error.Yellow(session.Text("watch.stalled", site.Site, (site.StillSeconds ?? 0).ToString("0", CultureInfo.InvariantCulture), (view.PatienceSeconds ?? 0).ToString("0", CultureInfo.InvariantCulture))));
        }
    }

    private string Line(StudyEventView happened) => $"{happened.At.ToLocalTime().ToString("HH:mm:ss", CultureInfo.InvariantCulture)}  {What(happened)}";

    private string What(StudyEventView happened)
    {
        try
        {
            return session.Text("event." + happened.Code, [.. happened.Arguments.Concat(Enumerable.Repeat("-", 8)).Take(8)]);
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
