using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Comity.Declarations;
using Comity.Federation.AtRest;
using Comity.Federation.Results;
using Comity.Federation.Sites;
using Comity.Federation.Spool;
using Microsoft.Data.Sqlite;

namespace Comity.Federation.Stores;

/// <summary>What a run has done so far, so that a killed one goes on where it was.</summary>
/// <remarks>
/// Control state is one SQLite file (WAL); vectors are files beside it. Every commit survives the death of the process; fsyncs
/// are grouped, so the loss of power costs at most the last <see cref="SyncEvery"/> of control state, which stays consistent
/// and is done again with the same bits. A vector is written before the row that names it and its digest. One process at a time, by a lock on a file that the
/// system releases when the process dies.
/// </remarks>
internal sealed class RunStore : IDisposable
{
    internal static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        Converters = { new JsonStringEnumConverter() },
    };

    /// <summary>Longest time between fsyncs while there are commits.</summary>
    internal static readonly TimeSpan SyncEvery = TimeSpan.FromSeconds(2);

    private readonly TimeProvider _time;
    private long _synced;
    private readonly StateDatabase _database;
    private readonly IBodyStore? _bodies;
    private readonly FileStream _lock;
    private readonly string _folder;

    private RunStore(string runFolder, string stateFolder, FileStream held, TimeProvider time, Action<string>? beforeWrite, SharedState? shared)
    {
        (RunFolder, _folder, _lock, _time, _synced, BeforeWrite) = (runFolder, stateFolder, held, time, time.GetTimestamp(), beforeWrite);
        (_database, _bodies) = shared is null ? (OpenFile(stateFolder), null) : (shared.Run, shared.Bodies);
    }

    /// <summary>Where the privacy ledger of a shared run lies; null: in a file.</summary>
    public StateDatabase? SharedLedger { get; private init; }

    /// <summary>How models, updates and shares are kept.</summary>
    public StateVault Vault { get; private init; } = StateVault.Plain;

    /// <summary>Folder of the run.</summary>
    public string RunFolder { get; }

    /// <summary>Called with the kind of write before each durable one; tests stop a run there.</summary>
    public Action<string>? BeforeWrite { get; }

    /// <summary>Opens or begins a run.</summary>
    /// <param name="runFolder">Folder of the run.</param>
    /// <param name="resume">Whether a run that was begun may be continued.</param>
    /// <param name="identity">What must be the same for that: study, seed, version…</param>
    /// <param name="time">Tells when to sync.</param>
    /// <param name="beforeWrite">See <see cref="BeforeWrite"/>.</param>
    /// <param name="shared">Where the state lies; null: in the folder.</param>
    /// <param name="vault">How models, updates and shares are kept; null: as they are.</param>
    /// <param name="spares">See <see cref="Spares"/>.</param>
    /// <exception cref="InvalidDeclarationException">The folder holds a run that can't be continued.</exception>
    public static RunStore Open(string runFolder, bool resume, IReadOnlyList<KeyValuePair<string, string>> identity, TimeProvider time, Action<string>? beforeWrite, SharedState? shared = null, StateVault? vault = null, SpareFiles? spares = null)
    {
        var folder = Path.Combine(runFolder, "state");
        var begun = File.Exists(Path.Combine(folder, "run.sqlite"));
        if (begun && !resume) throw Invalid(Messages.Problem("run-exists", Place.InFile(runFolder)));
        Directory.CreateDirectory(folder);
        FileStream held;
        try
        {
            held = new FileStream(Path.Combine(folder, "lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException)
        {
            throw Invalid(Messages.Problem("run-locked", Place.InFile(runFolder)));
        }
        RunStore? store = null;
        try
        {
            // Another machine may have gone on with the run since this folder saw it: what counts is fetched again.
            if (shared is not null) DropCopies(folder);
            store = new RunStore(runFolder, folder, held, time, beforeWrite, shared) { SharedLedger = shared?.Ledger, Vault = vault ?? StateVault.Plain, Spares = spares };
            store.Identify(identity);
            return store;
        }
        catch (SqliteException e)
        {
            (store as IDisposable ?? held).Dispose();
            throw Invalid(Messages.Problem("run-unreadable", Place.InFile(folder), e.Message));
        }
        catch
        {
            (store as IDisposable ?? held).Dispose();
            throw;
        }
    }

    /// <summary>The error of a file that is damaged.</summary>
    public static InvalidDeclarationException Unreadable(string path) => Invalid(Messages.Problem("run-unreadable", Place.InFile(path), Path.GetFileName(path)));

    /// <summary>Where a finished model's vector lies.</summary>
    public string WeightsPath(string model, int repeat) => Path.Combine(_folder, "weights", Folder(model, repeat) + ".f32");

    /// <summary>Where a round's updates or checkpoint lie.</summary>
    public string RoundPath(string model, int repeat, int round, string kind) =>
        Path.Combine(_folder, "rounds", Folder(model, repeat), string.Create(CultureInfo.InvariantCulture, $"{round:D6}.{kind}"));

    /// <summary>A file of the run was written: from here on it is kept.</summary>
    public void Keep(string path) => _bodies?.Keep(NameOf(path), path, "");

    /// <summary>Brings a file of the run into the folder, where it is kept and not there.</summary>
    /// <returns>The same path.</returns>
    public string Fetch(string path)
    {
        if (_bodies is not null && !File.Exists(path)) _bodies.Fetch(NameOf(path), path);
        return path;
    }

    /// <summary>Files of rounds that are over, which the next ones are written over; null: what is over is deleted at once.</summary>
    public SpareFiles? Spares { get; init; }

    /// <summary>A file of the run is no longer needed.</summary>
    public void Delete(string path)
    {
        if (Spares is null) File.Delete(path);
        else Spares.Discard(path);
        _bodies?.Delete(NameOf(path));
    }

    /// <summary>The updates of a round.</summary>
    public UpdateSpool OpenSpool(string path) => _bodies is null ? UpdateSpool.Open(path, Vault) : UpdateSpool.Open(path, _bodies, NameOf(path), Vault);

    /// <summary>The updates of a round are no longer needed.</summary>
    public void DeleteSpool(string path)
    {
        UpdateSpool.Delete(path, Spares);
        _bodies?.Delete(NameOf(path) + ".");
    }

    /// <summary>A site's own folder for a model.</summary>
    public string SiteFolder(string site, string model, int repeat) => Path.Combine(RunFolder, "sites", site, Folder(model, repeat));

    /// <summary>A value that was kept under a key; null: none.</summary>
    public string? Value(string key) => _database.Read($"SELECT value FROM run WHERE {_database.Mine}key = @a", r => r.GetString(0), key).FirstOrDefault();

    /// <summary>Keeps a value under a key.</summary>
    public void KeepValue(string key, string value) => Commit("value", () => Insert("run", ["key", "value"], 1, key, value));

    /// <summary>What the sites agreed on, or null.</summary>
    public Statistics? Agreed(int repeat) => Read<Statistics>($"SELECT json FROM agreed WHERE {_database.Mine}repeat = @a", repeat).FirstOrDefault();

    /// <summary>Keeps what the sites agreed on.</summary>
    public void KeepAgreed(int repeat, Statistics agreed) =>
        Commit("agreed", () => Insert("agreed", ["repeat", "json"], 1, repeat, JsonSerializer.Serialize(agreed, Json)));

    /// <summary>Rounds done, in order.</summary>
    public List<RoundRecord> Rounds(string model, int repeat) =>
        Read<RoundRecord>($"SELECT json FROM rounds WHERE {_database.Mine}model = @a AND repeat = @b ORDER BY round", model, repeat);

    /// <summary>Keeps a round; its checkpoint has been written.</summary>
    public void KeepRound(RoundRecord round) => Commit("round", () =>
        Insert("rounds", ["model", "repeat", "round", "json"], 3, round.Info.Model, round.Info.Repeat, round.Info.Round, JsonSerializer.Serialize(round, Json)));

    /// <summary>Forgets a model's rounds, files and site memories: it is begun again.</summary>
    public void Forget(string model, int repeat)
    {
        Commit("forget", () => _database.Write($"DELETE FROM rounds WHERE {_database.Mine}model = @a AND repeat = @b", model, repeat));
        var rounds = Path.GetDirectoryName(RoundPath(model, repeat, 0, "x"))!;
        _bodies?.Delete(NameOf(rounds) + "/");
        if (Directory.Exists(rounds)) Directory.Delete(rounds, recursive: true);
        var sites = Path.Combine(RunFolder, "sites");
        if (!Directory.Exists(sites)) return;
        foreach (var site in Directory.EnumerateDirectories(sites))
        {
            var memory = SiteFolder(Path.GetFileName(site), model, repeat);
            if (Directory.Exists(memory)) Directory.Delete(memory, recursive: true);
        }
    }

    /// <summary>A finished model, or null.</summary>
    public ModelRecord? Model(string model, int repeat) =>
        Read<ModelRecord>($"SELECT json FROM models WHERE {_database.Mine}model = @a AND repeat = @b", model, repeat).FirstOrDefault();

    /// <summary>The sites' own versions of a model, in the order of their ids.</summary>
    public List<ModelRecord> PersonalModels(string model, int repeat) =>
        Read<ModelRecord>($"SELECT json FROM models WHERE {_database.Mine}substr(model, 1, length(@a)) = @a AND repeat = @b ORDER BY model", model + "+", repeat);

    /// <summary>Keeps a finished model with its vector.</summary>
    public void KeepModel(ModelRecord record, ReadOnlyMemory<float> parameters)
    {
        BeforeWrite?.Invoke("weights");
        if (!record.AtHome)
        {
            var path = WeightsPath(record.Info.Id, record.Info.Repeat);
            FloatFile.Write(Vault, path, parameters);
            Keep(path);
        }
        Commit("model", () => Insert("models", ["model", "repeat", "json"], 2, record.Info.Id, record.Info.Repeat, JsonSerializer.Serialize(record, Json)));
    }

    /// <summary>A finished model's vector.</summary>
    public float[] Weights(ModelInfo model)
    {
        var path = Fetch(WeightsPath(model.Id, model.Repeat));
        return FloatFile.Read(Vault, path, 1, model.Parameters, model.WeightsSha256)?[0] ?? throw Unreadable(path);
    }

    /// <summary>A model's vector for a task; empty: its owner has it.</summary>
    public ReadOnlyMemory<float> WeightsFor(ModelRecord model) => model.AtHome ? default : Weights(model.Info);

    /// <summary>Whether a model's evaluations are complete.</summary>
    public bool IsEvaluated(string model, int repeat) => Read<int>($"SELECT '1' FROM evaluated WHERE {_database.Mine}model = @a AND repeat = @b", model, repeat).Count > 0;

    /// <summary>Keeps all evaluations of a model at once.</summary>
    public void KeepEvaluations(string model, int repeat, IReadOnlyList<EvaluationInfo> evaluations) => Commit("evaluations", () =>
    {
        foreach (var e in evaluations)
        {
            var predictions = e.Result.Predictions.Count > 0 ? JsonSerializer.Serialize(e.Result.Predictions, Json) : null;
            Insert("evaluations", ["model", "repeat", "site", "split", "json", "predictions"], 4, e.Model, e.Repeat, e.Site, e.Split.ToString(),
                JsonSerializer.Serialize(e with { Result = e.Result with { Predictions = [] } }, Json), predictions);
        }
        Insert("evaluated", ["model", "repeat"], 2, model, repeat);
    });

    /// <summary>A model's evaluations without predictions, in the order in which they were kept.</summary>
    public List<EvaluationInfo> Evaluations(string model, int repeat) =>
        Read<EvaluationInfo>($"SELECT json FROM evaluations WHERE {_database.Mine}model = @a AND repeat = @b ORDER BY {_database.Arrival}", model, repeat);

    /// <summary>Predictions of one evaluation.</summary>
    public IReadOnlyList<Prediction> Predictions(string model, int repeat, string site) =>
        Read<List<Prediction>>($"SELECT predictions FROM evaluations WHERE {_database.Mine}model = @a AND repeat = @b AND site = @c AND split = 'Test' AND predictions IS NOT NULL", model, repeat, site).FirstOrDefault() ?? [];

    /// <summary>A candidate's comparisons, or null: not done yet.</summary>
    public List<ComparisonRecord>? Comparisons(string candidate, int repeat) =>
        Read<List<ComparisonRecord>>($"SELECT json FROM comparisons WHERE {_database.Mine}candidate = @a AND repeat = @b", candidate, repeat).FirstOrDefault();

    /// <summary>Keeps a candidate's comparisons.</summary>
    public void KeepComparisons(string candidate, int repeat, IReadOnlyList<ComparisonRecord> comparisons) => Commit("comparisons", () =>
        Insert("comparisons", ["candidate", "repeat", "json"], 2, candidate, repeat, JsonSerializer.Serialize(comparisons, Json)));

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_bodies is null) _database.Dispose(); // else it is the store's, and others use it
        _lock.Dispose();
    }

    // A file's name in the store: its place in the run's folder.
    private string NameOf(string path) => Path.GetRelativePath(RunFolder, path).Replace('\\', '/');

    private static SqliteDatabase OpenFile(string stateFolder)
    {
        var database = SqliteDatabase.Open(Path.Combine(stateFolder, "run.sqlite"), "PRAGMA synchronous=NORMAL; PRAGMA wal_autocheckpoint=0; PRAGMA cache_size=-256;");
        try
        {
            database.Execute("""
                CREATE TABLE IF NOT EXISTS run (key TEXT PRIMARY KEY, value TEXT NOT NULL);
                CREATE TABLE IF NOT EXISTS agreed (repeat INTEGER PRIMARY KEY, json TEXT NOT NULL);
                CREATE TABLE IF NOT EXISTS rounds (model TEXT, repeat INTEGER, round INTEGER, json TEXT NOT NULL, PRIMARY KEY (model, repeat, round));
                CREATE TABLE IF NOT EXISTS models (model TEXT, repeat INTEGER, json TEXT NOT NULL, PRIMARY KEY (model, repeat));
                CREATE TABLE IF NOT EXISTS evaluations (model TEXT, repeat INTEGER, site TEXT, split TEXT, json TEXT NOT NULL, predictions TEXT, PRIMARY KEY (model, repeat, site, split));
                CREATE TABLE IF NOT EXISTS evaluated (model TEXT, repeat INTEGER, PRIMARY KEY (model, repeat));
                CREATE TABLE IF NOT EXISTS comparisons (candidate TEXT, repeat INTEGER, json TEXT NOT NULL, PRIMARY KEY (candidate, repeat));
                """);
            return database;
        }
        catch
        {
            database.Dispose();
            throw;
        }
    }

    private static void DropCopies(string stateFolder)
    {
        foreach (var folder in new[] { Path.Combine(stateFolder, "rounds"), Path.Combine(stateFolder, "weights") })
        {
            if (Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
        }
    }

    private static InvalidDeclarationException Invalid(Problem problem) => new([problem]);

    // Ids hold a slash; a folder name must not, and '~' occurs in no id.
    private static string Folder(string model, int repeat) => string.Create(CultureInfo.InvariantCulture, $"{model.Replace('/', '~')}~r{repeat}");

    private void Identify(IReadOnlyList<KeyValuePair<string, string>> identity)
    {
        var problems = new List<Problem>();
        var known = _database.Read($"SELECT key, value FROM run WHERE {_database.Mine}1 = 1", r => KeyValuePair.Create(r.GetString(0), r.GetString(1))).ToDictionary(StringComparer.Ordinal);
        foreach (var (key, value) in identity)
        {
            if (known.Count > 0 && known.GetValueOrDefault(key) != value)
                problems.Add(Messages.Problem("run-differs", Place.InFile(RunFolder), key, known.GetValueOrDefault(key) ?? "-", value));
        }
        if (problems.Count > 0) throw new InvalidDeclarationException(problems);
        if (known.Count == 0)
        {
            Commit("identity", () =>
            {
                foreach (var (key, value) in identity) Insert("run", ["key", "value"], 1, key, value);
            });
        }
    }

    private void Commit(string what, Action write)
    {
        BeforeWrite?.Invoke(what);
        lock (_database.Gate)
        {
            _database.Atomically(() =>
            {
                write();
                return 0;
            });
            if (_time.GetElapsedTime(_synced) < SyncEvery) return;
            _database.Sync();
            _synced = _time.GetTimestamp();
        }
    }

    // Writes a row in the place of the one with the same key, which the first columns are.
    private void Insert(string table, ReadOnlySpan<string> columns, int keys, params ReadOnlySpan<object?> values)
    {
        var (names, places) = (string.Join(", ", columns!), string.Join(", ", Enumerable.Range(0, columns.Length).Select(i => $"@{(char)('a' + i)}")));
        var key = string.Join(", ", columns[..keys]!);
        var update = columns.Length == keys ? "NOTHING" : "UPDATE SET " + string.Join(", ", columns[keys..].ToArray().Select(c => $"{c} = excluded.{c}"));
        _database.Write($"INSERT INTO {table} ({_database.Column}{names}) VALUES ({_database.Value}{places}) ON CONFLICT ({_database.Column}{key}) DO {update}", values);
    }

    private List<T> Read<T>(string sql, params ReadOnlySpan<object?> values) => [.. _database.Read(sql, r => JsonSerializer.Deserialize<T>(r.GetString(0), Json)!, values)];
}
