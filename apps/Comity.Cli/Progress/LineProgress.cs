using Comity.Cli.Terminal;

namespace Comity.Cli.Progress;

/// <summary>One line for each event, for logs and pipes: every model that is done, and once a second where those under way are.</summary>
internal sealed class LineProgress(Session session, RunClock clock, int repeats) : IProgressView
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);
    private readonly Lock _gate = new();
    private long _last;

    public void Phase(string text) => session.Out.Line(text);

    public void Report(TrainingStep step)
    {
        clock.Report(step.Model, step.Repeat, (double)step.Step / Math.Max(1, step.Steps));
        if (!IsTime()) return;
        Write(step.Model, step.Repeat, session.Text(step.InRounds ? "progress.round" : "progress.epoch", step.Step, step.Steps), step.Loss);
    }

    public void Finished(string model, int repeat, double loss)
    {
        clock.Report(model, repeat, 1);
        Write(model, repeat, session.Text("progress.done"), loss);
    }

    public void Judged(int done, int total) => Count("progress.judged", done, total);

    public void Compared(int done, int total) => Count("progress.compared", done, total);

    private void Count(string key, int done, int total)
    {
        if (done == total || IsTime()) session.Out.Line($"{clock.Share * 100,3:0} %  {session.Text(key, done, total)}");
    }

    private bool IsTime()
    {
        lock (_gate)
        {
            if (_last != 0 && session.Time.GetElapsedTime(_last) < Interval) return false;
            _last = session.Time.GetTimestamp();
            return true;
        }
    }

    private void Write(string model, int repeat, string step, double loss) => session.Out.Line(ProgressText.Line(session, clock, repeats, model, repeat, step, loss));
}

/// <summary>The words of a progress line.</summary>
internal static class ProgressText
{
    public static string Line(Session session, RunClock clock, int repeats, string model, int repeat, string step, double loss)
    {
        var parts = new List<string> { $"{clock.Share * 100,3:0} %", model };
        if (repeats > 1) parts.Add(session.Text("progress.repeat", repeat + 1, repeats));
        parts.Add(step);
        if (!double.IsNaN(loss)) parts.Add(session.Text("progress.loss", loss.ToString("0.0000", session.Language)));
        if (clock.Left is { } left) parts.Add(session.Text("progress.left", RunClock.Show(left)));
        return string.Join("  ", parts);
    }
}
