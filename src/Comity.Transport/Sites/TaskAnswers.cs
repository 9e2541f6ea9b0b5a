using System.Collections.Concurrent;
using Comity.Declarations;
using Comity.Federation.Rounds;
using Comity.Transport.Protocol;
using Comity.Transport.Stores;

namespace Comity.Transport.Sites;

/// <summary>Turns tasks whose bodies are there into answers: by the study's work at this site, or by a no that names the reason.</summary>
internal sealed class TaskAnswers(ISiteHost host, SiteAgentOptions options, SiteProtections protections, IProgress<SiteAgentEvent>? events)
{
    private readonly ConcurrentDictionary<string, Lazy<Task<OpenStudy>>> _open = new(StringComparer.Ordinal);

    /// <summary>Does a task.</summary>
    public async Task<DoneTask> AnswerAsync(SiteTask task, StudySpool spool, TaskMeter meter, CancellationToken cancellationToken)
    {
        try
        {
            if (task.Kind == TaskKind.Join) return new(await JoinAsync(task, spool, cancellationToken).ConfigureAwait(false));
            var study = await OpenAsync(task, spool).WaitAsync(cancellationToken).ConfigureAwait(false);
            return await study.DoAsync(task, meter, cancellationToken).ConfigureAwait(false);
        }
        catch (InvalidDeclarationException e)
        {
            return Failed(ToldProblem.Of(e.Problems[0])); // the host words problems without values of records
        }
        catch (SiteMemoryLostException e)
        {
            return Failed(ToldProblem.Of(new Problem(Messages.Catalog, "site-memory-lost", Place.InFile(options.StateFolder), e.Site)));
        }
        catch (Exception e) when (e is not (OperationCanceledException or IOException or UnauthorizedAccessException or InvalidDataException) && !DiskFull.Is(e))
        {
            events?.Report(new SiteAgentEvent.Hindered(task, $"{e.GetType().Name}: {e.Message}"));
            // An unforeseen error's message may hold a value of a record: it is told to the people here only.
            return Failed(ToldProblem.Of(new Problem(Messages.Catalog, "site-task-failed", Place.InFile(options.Site), task.Kind, e.GetType().Name)));
        }
    }

    /// <summary>The study needs nothing any more.</summary>
    public void Forget(string study) => _open.TryRemove(study, out _);

    private async Task<SiteAnswer> JoinAsync(SiteTask task, StudySpool spool, CancellationToken cancellationToken)
    {
        _open.TryRemove(task.Study, out _);
        var (opened, protection) = await protections.OpenAsync(task, await host.OpenAsync(StudyFile(task, spool), cancellationToken).ConfigureAwait(false), spool, cancellationToken).ConfigureAwait(false);
        events?.Report(new SiteAgentEvent.Joined(WireJson.Read<JoinWork>(task.Content).Study, opened.About) { Id = task.Study });
        if (opened.About.Refused.Count == 0) _open[task.Study] = new(Task.FromResult(new OpenStudy(opened, spool, protection, options.ReleaseLoss)));
        return new(TaskOutcome.Done, WireJson.ToElement(opened.About), null, null);
    }

    private Task<OpenStudy> OpenAsync(SiteTask task, StudySpool spool)
    {
        var opening = _open.GetOrAdd(task.Study, _ => new(async () =>
        {
            var (opened, protection) = await protections.OpenAsync(task, await host.OpenAsync(StudyFile(task, spool), CancellationToken.None).ConfigureAwait(false), spool, CancellationToken.None).ConfigureAwait(false);
            if (opened.About.Refused.Count > 0) throw new InvalidDeclarationException([.. opened.About.Refused.Select(r => r.ToProblem(options.Site))]);
            return new OpenStudy(opened, spool, protection, options.ReleaseLoss);
        }));
        if (opening.Value.IsFaulted) _open.TryRemove(task.Study, out _); // another day the records may be there
        return opening.Value;
    }

    private static DoneTask Failed(ToldProblem problem) => new(new SiteAnswer(TaskOutcome.Failed, null, null, problem));

    private static string StudyFile(SiteTask task, StudySpool spool) =>
        task.Body("study") is { } body ? spool.BodyPath(body) : throw new InvalidDataException("The task does not name its study file.");
}
