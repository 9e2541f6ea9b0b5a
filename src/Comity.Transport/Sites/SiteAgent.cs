using System.Collections.Concurrent;
using Comity.Transport.Clients;
using Comity.Transport.Protocol;
using Comity.Transport.Stores;

namespace Comity.Transport.Sites;

/// <summary>A site at work: asks for tasks, fetches what they need, does them, answers. Nothing that it meets on the network ends it.</summary>
/// <remarks>
/// <code>
/// ask for work ─► fetch bodies ─► do the task ─► store the answer ─► upload its body ─► answer ─► forget the body
///      ▲               └──── each step goes on where it was, after a lost line as after a kill ────┘
///      └── tasks whose answers were not taken come again: what was stored is sent again, nothing is computed twice
/// </code>
/// Beside it progress is reported: it renews the site's lease, and brings back which tasks are no longer wanted.
/// </remarks>
public sealed class SiteAgent
{
    private static readonly TimeSpan ReportEvery = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan SignOfLife = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan AfterHindrance = TimeSpan.FromSeconds(5);
    private const int QueuedPerJob = 2;

    private readonly SiteClient _client;
    private readonly SiteAgentOptions _options;
    private readonly TimeProvider _time;
    private readonly IProgress<SiteAgentEvent>? _events;
    private readonly PersistentLine _line;
    private readonly TasksAtHand _atHand;
    private readonly BodyFetcher _bodies;
    private readonly TaskAnswers _answers;
    private readonly SiteProtections _protections;
    private readonly Withdrawals _withdrawals;
    private readonly ConcurrentDictionary<string, StudySpool> _spools = new(StringComparer.Ordinal);
    private readonly SemaphoreSlim _jobs;
    private readonly SiteAudit? _audit;
    private CancellationToken _ending;

    /// <param name="client">The connection.</param>
    /// <param name="host">Binds studies to the site's records.</param>
    /// <param name="options">How the site works.</param>
    /// <param name="time">The clock.</param>
    /// <param name="events">Told what happens, from several threads; null: nobody.</param>
    public SiteAgent(SiteClient client, ISiteHost host, SiteAgentOptions options, TimeProvider time, IProgress<SiteAgentEvent>? events)
    {
        ArgumentNullException.ThrowIfNull(client);
        ArgumentNullException.ThrowIfNull(host);
        ArgumentNullException.ThrowIfNull(options);
        (_client, _options, _time, _events) = (client, options, time, events);
        Directory.CreateDirectory(Studies);
        _jobs = new SemaphoreSlim(Math.Max(1, options.Jobs));
        _withdrawals = new Withdrawals(options.StateFolder);
        _line = new PersistentLine(time, events);
        _atHand = new TasksAtHand(Math.Max(1, options.Jobs) * QueuedPerJob, options.ReleaseLoss);
        _bodies = new BodyFetcher(client, _line, new SpoolQuota(Studies, options.DiskBytes));
        _protections = new SiteProtections(options, time);
        _audit = options.Audit is { } log ? new SiteAudit(log, options.AuditRule, () => _protections.LedgerHead) : null;
        _answers = new TaskAnswers(host, options, _protections, events);
    }

    private string Studies => Path.Combine(_options.StateFolder, "studies");

    /// <summary>Works until it is cancelled.</summary>
    /// <exception cref="WireException">The coordinator will not have this site: unknown, revoked, another version.</exception>
    /// <exception cref="Identity.UntrustedCoordinatorException">It is not the coordinator that was agreed on.</exception>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        _ending = over.Token;
        var reporting = ReportAsync(over.Token);
        try
        {
            while (true)
            {
                cancellationToken.ThrowIfCancellationRequested();
                if (_atHand.Room <= 0)
                {
                    await _atHand.FreedAsync(cancellationToken).ConfigureAwait(false);
                    continue;
                }
                var request = new WorkRequest(ProtocolVersion.Newest, _atHand.Keys, _atHand.Room, (int)_options.Wait.TotalSeconds, KnownStudies());
                // A proxy's page, a clock that is off for a while: only a plain no to this site ends it.
                var reply = await _line.CallAsync(token => _client.WorkAsync(request, token), e => Transient.Is(e) || e is WireException { IsFinal: false }, over.Token).ConfigureAwait(false);
                foreach (var closed in reply.Closed) Close(closed);
                foreach (var task in reply.Tasks) _atHand.Begin(task, HandleAsync, over.Token);
            }
        }
        finally
        {
            await over.CancelAsync().ConfigureAwait(false);
            await Task.WhenAll(_atHand.AllDone, reporting).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            _protections.Dispose();
        }
    }

    private string[] KnownStudies() => [.. Directory.EnumerateDirectories(Studies).Where(d => Directory.Exists(Path.Combine(d, "bodies"))).Select(d => Path.GetFileName(d)!)];

    private async Task HandleAsync(SiteTask task, TaskMeter meter, CancellationToken cancellationToken)
    {
        using var traced = TaskTrace.Follow(task, _options.Site, System.Diagnostics.ActivityKind.Consumer); // all calls that it needs carry its round's trace
        _events?.Report(new SiteAgentEvent.Started(task));
        while (true)
        {
            try
            {
                if (await LeftAsync(task).ConfigureAwait(false)) return;
                var spool = SpoolOf(task.Study);
                var stored = await spool.AnswerAsync(task.Key, cancellationToken).ConfigureAwait(false) ?? await DoAsync(task, spool, meter, cancellationToken).ConfigureAwait(false);
                if (await LeftAsync(task).ConfigureAwait(false)) return; // while it was being done
                // Written down before the first byte goes; an answer that is sent again after a restart stands there twice.
                if (_audit?.Leaves(task, stored.Answer) is { } head) stored = stored with { Answer = stored.Answer with { Head = head } };
                var reply = await SendAsync(task, stored, spool, meter, cancellationToken).ConfigureAwait(false);
                _audit?.Taken(task, reply);
                spool.Taken(task.Key, stored);
                _events?.Report(new SiteAgentEvent.Answered(task, stored.Answer.Outcome, reply.Taken, reply.Reason));
                return;
            }
            catch (WireException e) when (!e.MayPass)
            {
                // A task that is not awaited any more: another process of this site, or the study, is further on.
                _events?.Report(new SiteAgentEvent.Answered(task, TaskOutcome.Failed, false, e.Told.Code));
                return;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException || DiskFull.Is(e))
            {
                // A full disk or an unreachable source is for the people here to mend; the coordinator sees that nothing moves.
                _events?.Report(e is QuotaExceededException full ? full.ToEvent(task) : new SiteAgentEvent.Hindered(task, e.Message));
                await Task.Delay(AfterHindrance, _time, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    // Nothing of a study that the site has left is done or sent; a coordinator that still asks has not heard of it. Its tasks are dropped meanwhile,
    // this one too, but what the coordinator answers must be written down: it asks no second time.
    private async Task<bool> LeftAsync(SiteTask task)
    {
        if (!_withdrawals.Includes(task.Study)) return false;
        _answers.Forget(task.Study);
        _protections.Close(task.Study);
        var told = await _line.CallAsync(token => _client.WithdrawAsync(task.Study, token), Transient.Is, _ending).ConfigureAwait(false);
        _withdrawals.Leave(task.Study, _time.GetUtcNow());
        _withdrawals.Tell(task.Study, told);
        _events?.Report(new SiteAgentEvent.Answered(task, TaskOutcome.Refused, false, "site-withdrew"));
        return true;
    }

    private async Task<StoredAnswer> DoAsync(SiteTask task, StudySpool spool, TaskMeter meter, CancellationToken cancellationToken)
    {
        meter.Enter(TaskPhase.Fetching);
        _audit?.Given(task);
        foreach (var body in task.Bodies) await _bodies.FetchAsync(task, body, spool, meter, cancellationToken).ConfigureAwait(false);
        meter.Enter(TaskPhase.Queued);
        // Others wait for a step of a masked round, and it takes no time: it does not queue behind training.
        if (task.Kind != TaskKind.Mask) await _jobs.WaitAsync(cancellationToken).ConfigureAwait(false);
        DoneTask done;
        try
        {
            meter.Enter(TaskPhase.Working);
            done = await _answers.AnswerAsync(task, spool, meter, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            if (task.Kind != TaskKind.Mask) _jobs.Release();
        }
        // Weights are fetched for one task; what all tasks share stays until the study closes.
        foreach (var body in task.Bodies.Where(b => b.Name is not ("study" or "agreed" or "partners") && !_atHand.Shares(task.Key, b))) spool.Forget(body);
        var stored = spool.WithBody(task.Key, done);
        // Steps of a masked round are kept with their keys.
        if (task.Kind is not (TaskKind.Join or TaskKind.Mask)) spool.Store(task.Key, stored); // records and policy may change between two invitations
        return stored;
    }

    private async Task<AnswerReply> SendAsync(SiteTask task, StoredAnswer stored, StudySpool spool, TaskMeter meter, CancellationToken cancellationToken)
    {
        meter.Enter(TaskPhase.Sending);
        return await _line.CallAsync(async token =>
        {
            if (stored.Manifest is { } manifest)
                await _client.UploadAsync(task.Key, SiteClient.ReadManifest(manifest), spool.AnswerBodyPath(task.Key), meter.Moved, spool.Vault, token).ConfigureAwait(false);
            return await _client.AnswerAsync(task.Key, stored.Answer, token).ConfigureAwait(false);
        }, Transient.Is, cancellationToken).ConfigureAwait(false);
    }

    private async Task ReportAsync(CancellationToken cancellationToken)
    {
        var told = new Dictionary<string, long>(StringComparer.Ordinal);
        var last = _time.GetTimestamp();
        while (true)
        {
            await Task.Delay(ReportEvery, _time, cancellationToken).ConfigureAwait(false);
            foreach (var study in _atHand.Studies.Where(_withdrawals.Includes)) _atHand.DropStudy(study);
            var now = _atHand.Progress;
            if (now.Count == 0 || (now.All(p => told.GetValueOrDefault(p.Key) == p.Steps) && _time.GetElapsedTime(last) < SignOfLife)) continue;
            try
            {
                var reply = await _client.ProgressAsync(new ProgressReport(now), cancellationToken).ConfigureAwait(false);
                told = now.ToDictionary(p => p.Key, p => p.Steps, StringComparer.Ordinal);
                last = _time.GetTimestamp();
                foreach (var key in reply.Dropped) _atHand.Drop(key);
            }
            catch (Exception e) when (e is WireException || Transient.Is(e))
            {
                // The calls for work tell the people here; progress is told when the line is back.
            }
        }
    }

    private StudySpool SpoolOf(string study)
    {
        var spool = _spools.GetOrAdd(study, id => StudySpool.Open(Studies, id, _options.Vault));
        spool.Prepare();
        return spool;
    }

    private void Close(string study)
    {
        _answers.Forget(study);
        _protections.Close(study);
        SpoolOf(study).Close();
        _spools.TryRemove(study, out _);
    }
}
