using System.Collections.Concurrent;
using Spectre.Console;

namespace Comity.Cli.Progress;

/// <summary>Bars on a terminal: the whole run, and each model under way with its loss.</summary>
internal sealed class LiveProgress : IProgressView
{
    private readonly Session _session;
    private readonly ProgressContext _context;
    private readonly RunClock _clock;
    private readonly int _repeats;
    private readonly ProgressTask _whole;
    private readonly ConcurrentDictionary<(string, int), ProgressTask> _tasks = new();

    private LiveProgress(Session session, ProgressContext context, RunClock clock, int repeats)
    {
        (_session, _context, _clock, _repeats) = (session, context, clock, repeats);
        _whole = context.AddTask(session.Text("progress.whole"), maxValue: 1);
    }

    /// <summary>Shows bars for as long as the work takes.</summary>
    public static Task<T> ShowAsync<T>(Session session, RunClock clock, int repeats, Func<IProgressView, Task<T>> work)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new AnsiConsoleOutput(session.Out.Writer),
            ColorSystem = session.Out.Colour ? ColorSystemSupport.Detect : ColorSystemSupport.NoColors,
            Ansi = AnsiSupport.Yes,
            Interactive = InteractionSupport.Yes, // only a terminal gets here; without it the bars become lines
        });
        return console.Progress()
            .AutoClear(true)
            .HideCompleted(true)
            .Columns(new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn(), new PercentageColumn())
            .StartAsync(context => work(new LiveProgress(session, context, clock, repeats)));
    }

    public void Phase(string text)
    {
        if (_tasks.IsEmpty) _whole.Description = Markup.Escape(text);
    }

    public void Report(TrainingStep step)
    {
        _clock.Report(step.Model, step.Repeat, (double)step.Step / Math.Max(1, step.Steps));
        var task = Task(step.Model, step.Repeat);
        task.MaxValue = Math.Max(1, step.Steps);
        task.Value = step.Step;
        var words = new List<string> { Name(step.Model, step.Repeat), _session.Text(step.InRounds ? "progress.round" : "progress.epoch", step.Step, step.Steps) };
        if (!double.IsNaN(step.Loss)) words.Add(_session.Text("progress.loss", step.Loss.ToString("0.0000", _session.Language)));
        task.Description = Markup.Escape(string.Join("  ", words));
        Whole();
    }

    public void Finished(string model, int repeat, double loss)
    {
        _clock.Report(model, repeat, 1);
        Task(model, repeat).StopTask();
        Whole();
    }

    public void Judged(int done, int total) => Count("progress.judged", done, total);

    public void Compared(int done, int total) => Count("progress.compared", done, total);

    private void Count(string key, int done, int total)
    {
        var task = Task(key, -1);
        task.MaxValue = Math.Max(1, total);
        task.Value = done;
        task.Description = Markup.Escape(_session.Text(key, done, total));
        Whole();
    }

    private ProgressTask Task(string model, int repeat) =>
        _tasks.GetOrAdd((model, repeat), _ => _context.AddTask(Markup.Escape(Name(model, repeat)), maxValue: 1));

    private string Name(string model, int repeat) => _repeats > 1 ? $"{model}  {_session.Text("progress.repeat", repeat + 1, _repeats)}" : model;

    private void Whole()
    {
        _whole.Value = _clock.Share;
        var left = _clock.Left is { } span ? "  " + _session.Text("progress.left", RunClock.Show(span)) : "";
        _whole.Description = Markup.Escape(_session.Text("progress.whole") + left);
    }
}
