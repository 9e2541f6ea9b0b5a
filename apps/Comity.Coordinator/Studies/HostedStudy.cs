using System.Diagnostics;
using System.Security.Cryptography;
using System.Text.Json;
using Comity.Coordinator.Hosting;
using Comity.Coordinator.Storage;
using Comity.Declarations;
using Comity.Federation.AtRest;
using Comity.Federation.Results;
using Comity.Federation.Rounds;
using Comity.Federation.Runs;
using Comity.Federation.Sites;
using Comity.Federation.Studies;
using Comity.Insight.Results;
using Comity.Transport.Protocol;
using Comity.Transport.Stores;

namespace Comity.Coordinator.Studies;

/// <summary>One study at the coordinator: asks its sites to join, drives its rounds, keeps its results.</summary>
/// <remarks>
/// <code>
/// Joining ──all sites take part──► Running ──► Done
///    └── a site refuses ──► Stopped ◄── quorum missed, diverged, a site silent ──┘   (resume goes on from there)
/// </code>
/// Where the quorum allows it, a study begins without sites that have not come within its patience; they enter at the next round.
/// Each state is written down before anybody hears of it, and a study that was under way when the process died goes on by itself.
/// </remarks>
internal sealed class HostedStudy
{
    private static readonly TimeSpan DefaultPatience = TimeSpan.FromMinutes(10);
    private const string ResultsName = "results.json";
    private const string ArtefactsName = "artefacts.json";
    private const string PartnersName = "partners.json";
    private const string EnvironmentName = "environment.json";
    private const int Jobs = 64;
    private const long MemoryForModels = 256L << 20;

    private readonly StudyServer _server;
    private readonly StudyBook _book;
    private readonly StudyFiles _files;
    private readonly Lock _gate = new();
    private readonly Lock _writing = new();
    private readonly StudySection _section;
    private readonly Dictionary<string, SiteLeave> _lines;
    private CancellationTokenSource _over = new();
    private Task _driving = Task.CompletedTask;
    private StudyEntry _entry;

    public HostedStudy(StudyServer server, StudyBook book, StudyEntry entry, DeclaredStudy declared, StudyFiles files)
    {
        (_server, _book, _entry, _files, Declared, _section) = (server, book, entry, files, declared, declared.Section);
        Log = new StudyLog(server.Time) { Heard = Written };
        _lines = declared.Section.Sites.ToDictionary(s => s.Id, _ => new SiteLeave(), StringComparer.Ordinal);
        foreach (var site in book.Withdrawn(entry.Id).Where(_lines.ContainsKey)) _lines[site].Leave();
    }

    public StudyEntry Entry
    {
        get { lock (_gate) return _entry; }
    }

    public DeclaredStudy Declared { get; }

    public StudyLog Log { get; }

    public TimeSpan? Patience => _section.PatienceSeconds is { } seconds ? TimeSpan.FromSeconds(seconds) : DefaultPatience;

    /// <summary>Files of its rounds that are over, which what arrives is written over.</summary>
    public SpareFiles Spares => field ??= SpareFiles.OfRun(RunFolder);

    /// <summary>The results; null: they are not there.</summary>
    public string? ResultsFile => FileOf(ResultsName);

    /// <summary>What belongs to the models; null: it is not there.</summary>
    public string? ArtefactsFile => FileOf(ArtefactsName);

    /// <summary>The file of a held model's weights; null: it is not there.</summary>
    public string? WeightsFile(int number) => FileOf(WeightsName(number));

    /// <summary>Deletes what only the study's course needed: spools, checkpoints and vectors that were copied to where they are fetched. Who contributed stays.</summary>
    public void Tidy()
    {
        foreach (var folder in new[] { "run/state/rounds", "run/state/weights", "run/sites" })
        {
            if (Directory.Exists(_files.At(folder))) Directory.Delete(_files.At(folder), recursive: true);
            _files.Bodies?.Delete(folder + "/");
        }
        Spares.Clear();
        for (var repeat = 0; repeat < _section.Repeats; repeat++) _files.Delete($"start-{repeat}.f32");
    }

    private static string WeightsName(int number) => $"weights/{number}.f32";

    private string? FileOf(string name) => _files.Has(name) ? _files.At(name) : null;

    private string RunFolder => _files.At("run");

    /// <summary>Drives the study if it is under way.</summary>
    public void Start()
    {
        lock (_gate)
        {
            if (_entry.State is not (StudyState.Joining or StudyState.Running) || !_driving.IsCompleted) return;
            _over = new();
            using var apart = ExecutionContext.SuppressFlow(); // what it logs belongs to it, not to the call that handed it in
            _driving = Task.Run(() => DriveAsync(_over.Token));
        }
    }

    /// <summary>Ends the study for good.</summary>
    public async Task CancelAsync()
    {
        await StopDrivingAsync();
        lock (_gate)
        {
            if (_entry.State is StudyState.Done or StudyState.Cancelled) return;
        }
        Become(StudyState.Cancelled, []);
        _server.Tidy(this);
        Log.Add("cancelled");
    }

    /// <summary>Lets a stopped study try again.</summary>
    public void Resume()
    {
        lock (_gate)
        {
            if (_entry.State != StudyState.Stopped) return;
        }
        Become(Entry.Joined is null ? StudyState.Joining : StudyState.Running, []);
        Log.Add("resumed");
        Start();
    }

    /// <summary>A site leaves for good: written down, its tasks end, and the rounds go on without it where the quorum allows.</summary>
    /// <returns>What stays; null: it is none of the study's sites.</returns>
    public WithdrawalReply? Withdraw(string site)
    {
        if (!_lines.TryGetValue(site, out var line)) return null;
        if (_book.Withdraw(Entry.Id, site, _server.Time.GetUtcNow())) Log.Add("site-withdrew", site);
        line.Leave();
        return new(Entry.State, _server.Store?.Of(Entry.Id) is { } shared ? Federation.Stores.RunContributions.Of(shared.Run, site) : Federation.Stores.RunContributions.Of(RunFolder, site));
    }

    /// <summary>Stops driving; the state stays, and a later process goes on.</summary>
    public async Task StopDrivingAsync()
    {
        CancellationTokenSource over;
        Task driving;
        lock (_gate) (over, driving) = (_over, _driving);
        await over.CancelAsync(); // runs others' code: not under a lock
        await driving;
    }

    public StudyView View(IReadOnlyList<StudyEventView> events) => new()
    {
        Id = Entry.Id, Study = Entry.Study, Author = Entry.Author, Submitted = Entry.Submitted, State = Entry.State, Problems = Entry.Problems,
        PatienceSeconds = Patience?.TotalSeconds, Sites = [.. _section.Sites.Select(s => _server.Desk(s.Id).View(Entry.Id, Patience))], Events = events,
    };

    private async Task DriveAsync(CancellationToken cancellationToken)
    {
        try
        {
            await DriveToEndAsync(cancellationToken);
        }
        catch (Exception e) when (e is StaleEpochException or StoreUnavailableException)
        {
            // Another coordinator goes on with the study, or this one after its next start: what the database holds decides how.
            LogLines.StudyLeft(_server.Log, Entry.Id, e.Message);
        }
    }

    private async Task DriveToEndAsync(CancellationToken cancellationToken)
    {
        try
        {
            _files.DropCopies();
            var studyFile = BodySource.Of(await File.ReadAllBytesAsync(Declared.File, cancellationToken));
            var shelf = new BodyShelf(); // the sites fetch the same vectors
            var keys = Partners();
            var partners = keys is null ? null : BodySource.Of(JsonSerializer.SerializeToUtf8Bytes(keys, WireJson.Options));
            var sites = _section.Sites.Select(s => new NetworkSite(Entry.Id, studyFile, partners, _server.Desk(s.Id), shelf, _lines[s.Id], Patience, _server.Time, _server.Vault)).ToList();
            await using var gathering = new Gathering(sites.Where(s => Entry.Joined?.ContainsKey(s.Site) != true), new JoinWork(_section.Study, Entry.Submission.Plan.Software), _server.Time, Answered, cancellationToken);
            var joined = Entry.Joined ?? await JoinAsync(gathering);
            if (joined is null) return;
            using var turn = await _server.Queue.EnterAsync(Entry.Id, Entry.Submitted, Room(joined), full => Log.Add("queued", string.Join(", ", full)), cancellationToken);
            if (Entry.Joined is null) Run(joined);
            foreach (var site in sites.Where(s => joined.ContainsKey(s.Site))) site.Enter(joined[site.Site]);
            gathering.Follow([.. joined.Keys], EnterLateAsync);
            using var outcome = await StudyRun.RunAsync(Input(sites, keys) with { TrainingEnded = gathering.Close }, cancellationToken);
            Keep(outcome);
            Become(StudyState.Done, []);
            Log.Add("done");
            _server.Tidy(this);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // Cancelled, or the process ends: what is written down decides how it goes on.
        }
        catch (StudyStoppedException e)
        {
            Stop(ToldProblem.Of(e.Problem));
        }
        catch (InvalidDeclarationException e)
        {
            Stop([.. e.Problems.Select(ToldProblem.Of)]);
        }
        catch (SiteGoneException e)
        {
            Stop(ToldProblem.Of(Texts.Problem("site-withdrew", e.Site, e.Site)));
        }
        catch (SiteAnswerException e)
        {
            Stop(e.Answer.Problem is { } told ? told with { Where = e.Site } : ToldProblem.Of(Texts.Problem("site-answer-malformed", e.Site, e.Site, "-", "-")));
        }
        catch (Exception e) when (DiskFull.Is(e))
        {
            _server.Disk.Tell(_server.Log);
            Stop(ToldProblem.Of(Texts.Problem("study-disk-full", Entry.Id, Entry.Id)));
        }
        catch (Exception e) when (e is not (OutOfMemoryException or StaleEpochException or StoreUnavailableException))
        {
            Stop(ToldProblem.Of(Texts.Problem("study-failed", Entry.Id, Entry.Id, $"{e.GetType().Name}: {e.Message}")));
            LogLines.StudyFailed(_server.Log, e, Entry.Id);
        }
    }

    private void Answered(string site, JoinResult answer) => Log.Add(answer.Refused.Count == 0 ? "site-joined" : "site-refused", site);

    private async Task<IReadOnlyDictionary<string, JoinResult>?> JoinAsync(Gathering gathering)
    {
        var answers = await gathering.BeginAsync(_section.MayBeginWithout, Patience ?? DefaultPatience);
        var refused = _section.Sites.Where(s => answers.ContainsKey(s.Id)).SelectMany(s => answers[s.Id].Refused.Select(r => r with { Where = $"{s.Id}: {r.Where}" })).ToList();
        if (refused.Count == 0) return answers;
        Stop([.. refused]);
        return null;
    }

    // A site that came late works with what the others agreed, and takes the room for one more study before it takes part.
    private async Task<IDisposable> EnterLateAsync(NetworkSite site, JoinResult answer, CancellationToken cancellationToken)
    {
        var turn = await _server.Queue.EnterAsync(Entry.Id, Entry.Submitted, Room(new Dictionary<string, JoinResult> { [site.Site] = answer }), _ => Log.Add("site-busy", site.Site), cancellationToken);
        try
        {
            Write(entry => entry with { Joined = new Dictionary<string, JoinResult>(entry.Joined!, StringComparer.Ordinal) { [site.Site] = answer } });
        }
        catch
        {
            turn.Dispose();
            throw;
        }
        site.Enter(answer);
        Log.Add("site-entered", site.Site);
        return turn;
    }

    private static Dictionary<string, int> Room(IReadOnlyDictionary<string, JoinResult> joined) =>
        joined.Where(j => j.Value.Studies is > 0).ToDictionary(j => j.Key, j => j.Value.Studies!.Value, StringComparer.Ordinal);

    private void Run(IReadOnlyDictionary<string, JoinResult> joined)
    {
        Write(entry => entry with { State = StudyState.Running, Joined = joined });
        var missing = _section.Sites.Select(s => s.Id).Where(s => !joined.ContainsKey(s)).ToList();
        if (missing.Count == 0) Log.Add("running");
        else Log.Add("running-without", string.Join(", ", missing));
    }

    // The keys that masks are agreed with are those of the moment at which the sites joined: a key that changes later is another party.
    private SortedDictionary<string, byte[]>? Partners()
    {
        if (_section.Privacy?.SecureAggregation is null) return null;
        var path = _files.At(PartnersName);
        if (Entry.Joined is not null && _files.Has(PartnersName)) return JsonSerializer.Deserialize<SortedDictionary<string, byte[]>>(File.ReadAllBytes(path), WireJson.Options);
        var keys = new SortedDictionary<string, byte[]>(StringComparer.Ordinal);
        foreach (var site in _section.Sites)
        {
            if (_server.Keys.PublicKeyOf(site.Id) is { } key) keys[site.Id] = key;
        }
        WriteWhole(PartnersName, keys);
        return keys;
    }

    private StudyRunInput Input(List<NetworkSite> sites, SortedDictionary<string, byte[]>? keys)
    {
        var (entry, plan) = (Entry, Entry.Submission.Plan);
        return new StudyRunInput
        {
            Study = _section, StudySha256 = Declared.Sha256, StudyFile = entry.Submission.File, Label = plan.Label,
            Model = new NetworkModel(plan, _files, sites),
            Sites = [.. sites.Select(s => (ISiteWork)s)],
            OwnModelsStay = [.. entry.Joined!.Where(j => j.Value.OwnModelStays).Select(j => j.Key)],
            Channels = (work, _) => ((NetworkSite)work).Channel(),
            SiteKeys = keys is null ? null : site => keys.GetValueOrDefault(site),
            Noise = _server.Noise,
            Patience = Patience, RunFolder = RunFolder, Shared = _server.Store?.Of(entry.Id), Vault = _server.Vault, Resume = true, Jobs = Jobs, MemoryForModels = MemoryForModels,
            PrimaryMetric = plan.PrimaryMetric, Environment = EnvironmentOf(entry.Joined!), Progress = Log, Time = _server.Time,
        };
    }

    // Promise 2 holds where all sites compute alike; where they don't, the results say so. A run is that of those who began it, whoever comes later.
    private RunEnvironment EnvironmentOf(IReadOnlyDictionary<string, JoinResult> joined)
    {
        if (_files.Has(EnvironmentName)) return JsonSerializer.Deserialize<RunEnvironment>(File.ReadAllBytes(_files.At(EnvironmentName)), WireJson.Options) ?? throw new JsonException("An environment is null.");
        var bits = joined.Values.Select(j => j.VectorBits).Distinct().ToList();
        var environment = new RunEnvironment(Same(j => j.Software), Same(j => j.Architecture), bits.Count == 1 ? bits[0] : 0, Same(j => j.Runtime));
        WriteWhole(EnvironmentName, environment);
        return environment;

        string Same(Func<JoinResult, string> of) => string.Join("|", joined.Values.Select(of).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal));
    }

    private void WriteWhole<T>(string name, T content)
    {
        var path = _files.At(name);
        File.WriteAllBytes(path + ".part", JsonSerializer.SerializeToUtf8Bytes(content, WireJson.Options));
        File.Move(path + ".part", path, overwrite: true);
        _files.Keep(name);
    }

    private void Keep(StudyOutcome outcome)
    {
        var held = new List<HeldModel>();
        Directory.CreateDirectory(_files.At("weights"));
        foreach (var model in outcome.Results.Models.Where(m => m.Repeat == 0 && outcome.Holds(m)))
        {
            var name = WeightsName(held.Count);
            File.Copy(outcome.WeightsFile(model), _files.At(name), overwrite: true);
            _files.Keep(name);
            held.Add(new(held.Count, model.Id, model.Repeat, 4L * model.Parameters, model.WeightsSha256));
        }
        var repeats = Enumerable.Range(0, _section.Repeats).ToList();
        var artefacts = new StudyArtefacts(held, [.. repeats.Select(r => NetworkModel.Layout(_files, r))], [.. repeats.Select(outcome.Agreed)]);
        File.WriteAllBytes(_files.At(ArtefactsName), JsonSerializer.SerializeToUtf8Bytes(artefacts, WireJson.Options));
        _files.Keep(ArtefactsName);
        Insight.Results.ResultsFile.Write(_files.At(ResultsName), ToldLosses.Of(outcome.Results));
        _files.Keep(ResultsName);
    }

    // What moves a study stands in the coordinator's log, a round under its own trace.
    private void Written(string code, IReadOnlyList<string> arguments, StudyEvent.RoundDone? round)
    {
        if (round is null)
        {
            LogLines.StudyEvent(_server.Log, _entry.Id, code, string.Join(' ', arguments));
            return;
        }
        var context = TaskTrace.OfRound(_entry.Id, round.Model, round.Repeat, round.Round);
        using var traced = new Activity("round").SetParentId(context.TraceId, context.SpanId, context.TraceFlags).Start();
        LogLines.RoundDone(_server.Log, _entry.Id, round.Round, round.Model, round.Repeat + 1, round.Contributed, round.Rejected, round.Missing);
    }

    private void Stop(params IReadOnlyList<ToldProblem> problems)
    {
        try
        {
            Become(StudyState.Stopped, problems);
        }
        catch (Exception e) when (DiskFull.Is(e))
        {
            // Who watches learns it all the same. After a restart the book says that it runs, and it goes on by itself.
            lock (_gate) _entry = _entry with { State = StudyState.Stopped, Problems = problems };
        }
        Log.Add("stopped", [.. problems.Select(p => p.Code)]);
    }

    private void Become(StudyState state, IReadOnlyList<ToldProblem> problems) => Write(entry => entry with { State = state, Problems = problems });

    // Written down before anybody hears of it.
    private void Write(Func<StudyEntry, StudyEntry> change)
    {
        lock (_writing)
        {
            var changed = change(Entry);
            _book.Update(changed);
            lock (_gate) _entry = changed;
        }
    }
}
