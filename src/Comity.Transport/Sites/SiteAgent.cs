using System.Collections.Concurrent;
using Comity.Declarations;
using Comity.Federation.Audit;
using Comity.Federation.Rounds;
using Comity.Transport.Bodies;
using Comity.Transport.Clients;
using Comity.Transport.Protocol;
using Comity.Transport.Signing;

namespace Comity.Transport.Sites;

/// <summary>How a site works.</summary>
public sealed record SiteAgentOptions
{
    /// <summary>The site's name.</summary>
    public required string Site { get; init; }

    /// <summary>Folder of its state.</summary>
    public required string StateFolder { get; init; }

    /// <summary>Tasks computed at the same time.</summary>
    public int Jobs { get; init; } = 1;

    /// <summary>Whether watchers may see the training loss.</summary>
    public bool ReleaseLoss { get; init; }

    /// <summary>Where everything that arrives and leaves is written down; null: nowhere.</summary>
    public AuditLog? Audit { get; init; }

    /// <summary>The policy rule under which answers leave, for the audit log.</summary>
    public string AuditRule { get; init; } = "site.yaml";

    /// <summary>How long a call for work waits at the coordinator.</summary>
    public TimeSpan Wait { get; init; } = TimeSpan.FromSeconds(25);
}

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
    private readonly ISiteHost _host;
    private readonly SiteAgentOptions _options;
    private readonly TimeProvider _time;
    private readonly IProgress<SiteAgentEvent>? _events;
    private readonly SemaphoreSlim _jobs;
    private readonly SemaphoreSlim _room = new(0);
    private readonly ConcurrentDictionary<string, Hand> _atHand = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, Lazy<Task<OpenStudy>>> _open = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, Task> _fetching = new(StringComparer.Ordinal);
    private readonly SiteAudit? _audit;
    private bool _connected;

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
        (_client, _host, _options, _time, _events) = (client, host, options, time, events);
        _jobs = new SemaphoreSlim(Math.Max(1, options.Jobs));
        _audit = options.Audit is { } log ? new SiteAudit(log, options.AuditRule) : null;
        Directory.CreateDirectory(Studies);
    }

    private string Studies => Path.Combine(_options.StateFolder, "studies");

    private int MostAtHand => Math.Max(1, _options.Jobs) * QueuedPerJob;

    /// <summary>Works until it is cancelled.</summary>
    /// <exception cref="WireException">The coordinator will not have this site: unknown, revoked, another version.</exception>
    /// <exception cref="Identity.UntrustedCoordinatorException">It is not the coordinator that was agreed on.</exception>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var reporting = ReportAsync(over.Token);
        try
        {
            while (true)
            {
                cancellationToken.ThrowIfCancellationRequested();
                var room = MostAtHand - _atHand.Count;
                if (room <= 0)
                {
                    await _room.WaitAsync(cancellationToken).ConfigureAwait(false);
                    continue;
                }
                var request = new WorkRequest(ProtocolVersion.Newest, [.. _atHand.Keys], room, (int)_options.Wait.TotalSeconds, KnownStudies());
                var reply = await PersistentlyAsync(token => _client.WorkAsync(request, token), over.Token).ConfigureAwait(false);
                foreach (var closed in reply.Closed) Close(closed);
                foreach (var task in reply.Tasks) Begin(task, over.Token);
            }
        }
        finally
        {
            await over.CancelAsync().ConfigureAwait(false);
            await Task.WhenAll([.. _atHand.Values.Select(h => h.Work), reporting]).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private string[] KnownStudies() => [.. Directory.EnumerateDirectories(Studies).Where(d => Directory.Exists(Path.Combine(d, "bodies"))).Select(d => Path.GetFileName(d)!)];

    private void Begin(SiteTask task, CancellationToken cancellationToken)
    {
        var hand = new Hand(new TaskMeter(task.Key, _options.ReleaseLoss), CancellationTokenSource.CreateLinkedTokenSource(cancellationToken)) { Digests = [.. task.Bodies.Select(b => b.Digest)] };
        if (!_atHand.TryAdd(task.Key, hand)) return;
        hand.Work = Task.Run(async () =>
        {
            try
            {
                await HandleAsync(task, hand.Meter, hand.Dropped.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (hand.Dropped.IsCancellationRequested)
            {
                // The coordinator no longer wants it, or the site ends: what is stored stays.
            }
            finally
            {
                _atHand.TryRemove(task.Key, out _);
                _room.Release();
                hand.Dropped.Dispose();
            }
        }, CancellationToken.None);
    }

    private async Task HandleAsync(SiteTask task, TaskMeter meter, CancellationToken cancellationToken)
    {
        _events?.Report(new SiteAgentEvent.Started(task));
        while (true)
        {
            try
            {
                var spool = Spool(task.Study);
                var stored = spool.Answer(task.Key) ?? await DoAsync(task, spool, meter, cancellationToken).ConfigureAwait(false);
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
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException)
            {
                // A full disk or an unreachable source is for the people here to mend; the coordinator sees that nothing moves.
                _events?.Report(new SiteAgentEvent.Hindered(task, e.Message));
                await Task.Delay(AfterHindrance, _time, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    private async Task<StoredAnswer> DoAsync(SiteTask task, StudySpool spool, TaskMeter meter, CancellationToken cancellationToken)
    {
        meter.Enter(TaskPhase.Fetching);
        _audit?.Given(task);
        foreach (var body in task.Bodies) await FetchAsync(task, body, spool, meter, cancellationToken).ConfigureAwait(false);
        meter.Enter(TaskPhase.Queued);
        await _jobs.WaitAsync(cancellationToken).ConfigureAwait(false);
        SiteAnswer answer;
        try
        {
            meter.Enter(TaskPhase.Working);
            answer = await AnswerAsync(task, spool, meter, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _jobs.Release();
        }
        // Weights are fetched for one task; what all tasks share stays until the study closes.
        foreach (var body in task.Bodies.Where(b => b.Name is not ("study" or "agreed") && !SharedAtHand(task.Key, b))) File.Delete(spool.BodyPath(body));
        var stored = await WithBodyAsync(task, answer, spool, cancellationToken).ConfigureAwait(false);
        if (task.Kind != TaskKind.Join) spool.Store(task.Key, stored); // records and policy may change between two invitations
        return stored;
    }

    private async Task<SiteAnswer> AnswerAsync(SiteTask task, StudySpool spool, TaskMeter meter, CancellationToken cancellationToken)
    {
        try
        {
            if (task.Kind == TaskKind.Join) return await JoinAsync(task, spool, cancellationToken).ConfigureAwait(false);
            var study = await OpenAsync(task, spool).WaitAsync(cancellationToken).ConfigureAwait(false);
            return await study.DoAsync(task, meter, cancellationToken).ConfigureAwait(false);
        }
        catch (InvalidDeclarationException e)
        {
            return new(TaskOutcome.Failed, null, null, ToldProblem.Of(e.Problems[0])); // the host words problems without values of records
        }
        catch (SiteMemoryLostException e)
        {
            return new(TaskOutcome.Failed, null, null, ToldProblem.Of(new Problem(Messages.Catalog, "site-memory-lost", Place.InFile(_options.StateFolder), e.Site)));
        }
        catch (Exception e) when (e is not (OperationCanceledException or IOException or UnauthorizedAccessException or InvalidDataException))
        {
            _events?.Report(new SiteAgentEvent.Hindered(task, $"{e.GetType().Name}: {e.Message}"));
            // An unforeseen error's message may hold a value of a record: it is told to the people here only.
            return new(TaskOutcome.Failed, null, null, ToldProblem.Of(new Problem(Messages.Catalog, "site-task-failed", Place.InFile(_options.Site), task.Kind, e.GetType().Name)));
        }
    }

    private async Task<SiteAnswer> JoinAsync(SiteTask task, StudySpool spool, CancellationToken cancellationToken)
    {
        _open.TryRemove(task.Study, out _);
        var opened = await _host.OpenAsync(StudyFile(task, spool), cancellationToken).ConfigureAwait(false);
        _events?.Report(new SiteAgentEvent.Joined(WireJson.Read<JoinWork>(task.Content).Study, opened.About));
        if (opened.About.Refused.Count == 0) _open[task.Study] = new(Task.FromResult(new OpenStudy(opened, spool)));
        return new(TaskOutcome.Done, WireJson.ToElement(opened.About), null, null);
    }

    private Task<OpenStudy> OpenAsync(SiteTask task, StudySpool spool)
    {
        var opening = _open.GetOrAdd(task.Study, _ => new(async () =>
        {
            var opened = await _host.OpenAsync(StudyFile(task, spool), CancellationToken.None).ConfigureAwait(false);
            if (opened.About.Refused.Count > 0) throw new InvalidDeclarationException([.. opened.About.Refused.Select(r => r.ToProblem(_options.Site))]);
            return new OpenStudy(opened, spool);
        }));
        if (opening.Value.IsFaulted) _open.TryRemove(task.Study, out _); // another day the records may be there
        return opening.Value;
    }

    private static string StudyFile(SiteTask task, StudySpool spool) =>
        task.Body("study") is { } body ? spool.BodyPath(body) : throw new InvalidDataException("The task does not name its study file.");

    private StudySpool Spool(string study)
    {
        if (study.Length is 0 or > 100 || study.Any(c => !(char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.')) || study[0] == '.') throw new InvalidDataException($"'{study}' is no study's id.");
        return new(Path.Combine(Studies, study));
    }

    private async Task FetchAsync(SiteTask task, BodyReference body, StudySpool spool, TaskMeter meter, CancellationToken cancellationToken)
    {
        var path = spool.BodyPath(body);
        if (body.Inline is { } inline)
        {
            if (File.Exists(path)) return;
            var bytes = Convert.FromBase64String(inline);
            using var memory = new MemoryStream(bytes, writable: false);
            var manifest = await BodyManifest.DescribeAsync(memory, body.ChunkBytes, cancellationToken).ConfigureAwait(false);
            if (!manifest.Matches(Convert.FromHexString(body.Digest))) throw new InvalidDataException($"'{body.Name}' is not what its digest says.");
            var partial = $"{path}.{task.Key[..16]}.part";
            await File.WriteAllBytesAsync(partial, bytes, cancellationToken).ConfigureAwait(false);
            File.Move(partial, path, overwrite: true);
            return;
        }
        // Two tasks that need the same body fetch it once.
        while (!File.Exists(path))
        {
            var own = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            var running = _fetching.GetOrAdd(path, own.Task);
            if (running != own.Task)
            {
                await running.WaitAsync(cancellationToken).ConfigureAwait(false);
                continue;
            }
            try
            {
                await PersistentlyAsync(async token =>
                {
                    await _client.FetchAsync(task.Key, body, path + ".part", meter.Moved, token).ConfigureAwait(false);
                    return true;
                }, cancellationToken).ConfigureAwait(false);
                File.Move(path + ".part", path, overwrite: true);
            }
            finally
            {
                _fetching.TryRemove(path, out _);
                own.SetResult();
            }
        }
    }

    private bool SharedAtHand(string key, BodyReference body) => _atHand.Any(h => h.Key != key && h.Value.Digests.Contains(body.Digest));

    private static async Task<StoredAnswer> WithBodyAsync(SiteTask task, SiteAnswer answer, StudySpool spool, CancellationToken cancellationToken)
    {
        var path = spool.AnswerBodyPath(task.Key);
        if (answer.Outcome != TaskOutcome.Done || !File.Exists(path)) return new(answer, null);
        var manifest = await StudySpool.DescribeAsync(path, cancellationToken).ConfigureAwait(false);
        var inline = manifest.Length <= WireJson.LargestInlineBytes ? Convert.ToBase64String(await File.ReadAllBytesAsync(path, cancellationToken).ConfigureAwait(false)) : null;
        var body = new BodyReference("result", Convert.ToHexStringLower(manifest.Digest), manifest.Length, manifest.ChunkBytes, inline);
        return new(answer with { Body = body }, inline is null ? SiteClient.WriteManifest(manifest) : null);
    }

    private async Task<AnswerReply> SendAsync(SiteTask task, StoredAnswer stored, StudySpool spool, TaskMeter meter, CancellationToken cancellationToken)
    {
        meter.Enter(TaskPhase.Sending);
        return await PersistentlyAsync(async token =>
        {
            if (stored.Manifest is { } manifest)
                await _client.UploadAsync(task.Key, SiteClient.ReadManifest(manifest), spool.AnswerBodyPath(task.Key), meter.Moved, token).ConfigureAwait(false);
            return await _client.AnswerAsync(task.Key, stored.Answer, token).ConfigureAwait(false);
        }, cancellationToken).ConfigureAwait(false);
    }

    private async Task ReportAsync(CancellationToken cancellationToken)
    {
        var told = new Dictionary<string, long>(StringComparer.Ordinal);
        var last = _time.GetTimestamp();
        while (true)
        {
            await Task.Delay(ReportEvery, _time, cancellationToken).ConfigureAwait(false);
            var now = _atHand.Values.Select(h => h.Meter.Now).ToList();
            if (now.Count == 0 || (now.All(p => told.GetValueOrDefault(p.Key) == p.Steps) && _time.GetElapsedTime(last) < SignOfLife)) continue;
            try
            {
                var reply = await _client.ProgressAsync(new ProgressReport(now), cancellationToken).ConfigureAwait(false);
                told = now.ToDictionary(p => p.Key, p => p.Steps, StringComparer.Ordinal);
                last = _time.GetTimestamp();
                foreach (var key in reply.Dropped)
                {
                    if (_atHand.TryGetValue(key, out var hand)) hand.Drop();
                }
            }
            catch (Exception e) when (e is WireException || Transient.Is(e))
            {
                // The calls for work tell the people here; progress is told when the line is back.
            }
        }
    }

    private void Close(string study)
    {
        _open.TryRemove(study, out _);
        Spool(study).Close();
    }

    private async Task<T> PersistentlyAsync<T>(Func<CancellationToken, Task<T>> call, CancellationToken cancellationToken)
    {
        for (var tries = 1; ; tries++)
        {
            try
            {
                var result = await call(cancellationToken).ConfigureAwait(false);
                if (!_connected) _events?.Report(new SiteAgentEvent.Connected());
                _connected = true;
                return result;
            }
            catch (Exception e) when (Transient.Is(e) && !cancellationToken.IsCancellationRequested)
            {
                if (_connected || tries == 1) _events?.Report(new SiteAgentEvent.Disconnected(e is WireException wire ? wire.Message : e.Message));
                _connected = false;
                await Task.Delay(Transient.Pause(tries), _time, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    private sealed class Hand(TaskMeter meter, CancellationTokenSource dropped)
    {
        public TaskMeter Meter => meter;

        public CancellationTokenSource Dropped => dropped;

        public IReadOnlyCollection<string> Digests { get; init; } = [];

        public Task Work { get; set; } = Task.CompletedTask;

        public void Drop()
        {
            try
            {
                dropped.Cancel();
            }
            catch (ObjectDisposedException)
            {
                // It ended by itself in this moment.
            }
        }
    }
}
