using System.Data.Common;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Comity.Declarations;
using Comity.Federation.Audit;
using Comity.Federation.Stores;
using Comity.Privacy.Accounting;
using Comity.Privacy.Events;
using Microsoft.Data.Sqlite;

namespace Comity.Federation.Privacy;

/// <summary>Whose budget pays for what a study releases.</summary>
/// <param name="Run">What tells this run of a study from others: a resumed run has the same.</param>
/// <param name="Study">The study's name.</param>
/// <param name="Site">The site.</param>
/// <param name="DataSet">The name that the data set's steward gave it.</param>
public sealed record LedgerAccount(string Run, string Study, string Site, string DataSet);

/// <summary>A kind of release and how often it happens.</summary>
/// <param name="Event">What is released each time.</param>
/// <param name="Count">How often.</param>
public sealed record LedgerItem(PrivacyEvent Event, long Count);

/// <summary>What stands in a ledger for one account.</summary>
/// <param name="Account">Whose.</param>
/// <param name="Reserved">What the study may release at most.</param>
/// <param name="Charged">What it has released.</param>
/// <param name="Answers">How many answers that were.</param>
/// <param name="Open">Whether it may still release what is reserved.</param>
/// <param name="Accountant">Short name of the accountant that the study was planned with, <c>rdp</c>, <c>pld</c> or <c>gaussian</c>; empty in a ledger of an older version, which did not say.</param>
public sealed record LedgerEntry(LedgerAccount Account, IReadOnlyList<LedgerItem> Reserved, IReadOnlyList<LedgerItem> Charged, long Answers, bool Open, string Accountant)
{
    /// <summary>ε of all that was released, by the study's own accountant.</summary>
    /// <param name="delta">δ in (0, 1).</param>
    public double ChargedEpsilon(double delta) => BudgetExceeded.Cost(Charged, delta, AccountantNames.Of(Accountant));

    /// <summary>ε of all that was set aside, by the study's own accountant.</summary>
    /// <param name="delta">δ in (0, 1).</param>
    public double ReservedEpsilon(double delta) => BudgetExceeded.Cost(Reserved, delta, AccountantNames.Of(Accountant));
}

/// <summary>A budget of a data set or of a site over its lifetime.</summary>
/// <param name="Scope">Which of the two.</param>
/// <param name="Name">Its name.</param>
/// <param name="Epsilon">ε that all studies together may cost.</param>
/// <param name="Delta">At this δ.</param>
public sealed record LifetimeBudget(BudgetScope Scope, string Name, double Epsilon, double Delta);

/// <summary>What a lifetime budget is for.</summary>
public enum BudgetScope
{
    /// <summary>A data set, under the name that its steward gave it.</summary>
    DataSet,

    /// <summary>A site, over all its data sets.</summary>
    Site,
}

/// <summary>What was released about whom, over the lifetime of data sets: a study's whole plan is reserved before it starts, and each answer is charged before it leaves.</summary>
/// <remarks>
/// <code>
/// Reserve(plan) ──► Charge(answer, digest) … Charge(answer, digest) ──► Close: what was not released is free again
/// </code>
/// One SQLite file, each commit flushed to the disk (<c>synchronous=FULL</c>), so neither the death of a process nor loss of power can lose a
/// charge; an answer's key is unique, so none is charged twice. A charge must lie within what was reserved: then no sum of charges can pass a budget.
/// A file that was edited by another program is refused when it is opened (<see cref="LedgerSeal"/>).
/// </remarks>
public sealed class PrivacyLedger : IDisposable
{
    /// <summary>Name of a run's own ledger in its folder.</summary>
    public const string FileName = "ledger.sqlite";

    private static readonly string[] Schema =
    [
        """
        CREATE TABLE IF NOT EXISTS accounts (id INTEGER PRIMARY KEY, run TEXT NOT NULL, study TEXT NOT NULL, site TEXT NOT NULL, dataset TEXT NOT NULL, open INTEGER NOT NULL, UNIQUE (run, site));
        CREATE TABLE IF NOT EXISTS reserved (account INTEGER NOT NULL REFERENCES accounts, event TEXT NOT NULL, count INTEGER NOT NULL, PRIMARY KEY (account, event));
        CREATE TABLE IF NOT EXISTS charges (account INTEGER NOT NULL REFERENCES accounts, answer TEXT NOT NULL, event TEXT NOT NULL, count INTEGER NOT NULL, sha256 TEXT NOT NULL, time TEXT NOT NULL, PRIMARY KEY (account, answer));
        CREATE TABLE IF NOT EXISTS budgets (scope TEXT NOT NULL, name TEXT NOT NULL, epsilon REAL NOT NULL, delta REAL NOT NULL, PRIMARY KEY (scope, name));
        """,
        "ALTER TABLE accounts ADD COLUMN accountant TEXT NOT NULL DEFAULT ''",
    ];

    private readonly StateDatabase _database;
    private readonly bool _shared;
    private readonly TimeProvider _time;
    private readonly Action<string>? _beforeWrite;
    private readonly LedgerSeal? _seal;
    private (long Count, long Row, byte[] Digest) _chain = (0, 0, new byte[SHA256.HashSizeInBytes]);

    private PrivacyLedger(string path, StateDatabase database, bool shared, TimeProvider time, Action<string>? beforeWrite) =>
        (Path, _database, _shared, _time, _beforeWrite, _seal) = (path, database, shared, time, beforeWrite, shared ? null : new LedgerSeal(database));

    /// <summary>The file; of a shared ledger what people know it by.</summary>
    public string Path { get; }

    /// <summary>Opens a ledger, or begins one.</summary>
    /// <param name="path">The file.</param>
    /// <param name="time">Dates the charges.</param>
    /// <exception cref="InvalidDeclarationException">It was edited by another program, or is no ledger.</exception>
    public static PrivacyLedger Open(string path, TimeProvider time) => Open(path, time, null);

    internal static PrivacyLedger Open(string path, TimeProvider time, Action<string>? beforeWrite)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(time);
        if (System.IO.Path.GetDirectoryName(path) is { Length: > 0 } folder) Directory.CreateDirectory(folder);
        var database = Opened(path);
        try
        {
            database.Migrate(Schema);
            database.Execute(LedgerSeal.Schema);
            var ledger = new PrivacyLedger(path, database, shared: false, time, beforeWrite);
            ledger.CheckSeal();
            return ledger;
        }
        catch (Exception e)
        {
            database.Dispose();
            if (e is SqliteException damaged) throw Unreadable(path, damaged);
            throw;
        }
    }

    /// <summary>The ledger of all runs in a database that machines share, whose schema is there already.</summary>
    /// <param name="name">What people know it by.</param>
    /// <param name="database">The database, which others use too.</param>
    /// <param name="time">Dates the charges.</param>
    /// <param name="beforeWrite">Called with the kind of write before each durable one.</param>
    internal static PrivacyLedger Share(string name, StateDatabase database, TimeProvider time, Action<string>? beforeWrite) => new(name, database, shared: true, time, beforeWrite);

    /// <summary>Sets what all studies together may cost a data set or a site; its steward's act.</summary>
    public void SetBudget(LifetimeBudget budget)
    {
        ArgumentNullException.ThrowIfNull(budget);
        if (!(budget.Epsilon > 0) || !(budget.Delta is > 0 and < 1)) throw new ArgumentOutOfRangeException(nameof(budget), budget, "A budget needs ε above 0 and δ between 0 and 1.");
        Commit("budget", () => Write("INSERT INTO budgets VALUES (@a, @b, @c, @d) ON CONFLICT (scope, name) DO UPDATE SET epsilon = excluded.epsilon, delta = excluded.delta", budget.Scope.ToString(), budget.Name, budget.Epsilon, budget.Delta));
    }

    /// <summary>All lifetime budgets.</summary>
    public IReadOnlyList<LifetimeBudget> Budgets() => Read("SELECT scope, name, epsilon, delta FROM budgets ORDER BY scope, name",
        r => new LifetimeBudget(Enum.Parse<BudgetScope>(r.GetString(0)), r.GetString(1), r.GetDouble(2), r.GetDouble(3)));

    /// <summary>Names of all data sets that were charged, reserved for or given a budget.</summary>
    public IReadOnlyList<string> DataSets() => Read("SELECT dataset FROM accounts UNION SELECT name FROM budgets WHERE scope = @a ORDER BY 1", r => r.GetString(0), BudgetScope.DataSet.ToString());

    /// <summary>All accounts, in the order in which they were opened.</summary>
    public IReadOnlyList<LedgerEntry> Entries() => Read("SELECT id, run, study, site, dataset, open, accountant FROM accounts ORDER BY id",
            r => (Id: r.GetInt64(0), Account: new LedgerAccount(r.GetString(1), r.GetString(2), r.GetString(3), r.GetString(4)), Open: r.GetInt64(5) == 1, Accountant: r.GetString(6)))
        .ConvertAll(a => new LedgerEntry(a.Account, Items("SELECT event, count FROM reserved WHERE account = @a ORDER BY event", a.Id),
            Items("SELECT event, CAST(SUM(count) AS BIGINT) FROM charges WHERE account = @a GROUP BY event ORDER BY event", a.Id),
            Read("SELECT COUNT(*) FROM charges WHERE account = @a", r => r.GetInt64(0), a.Id)[0], a.Open, a.Accountant));

    /// <summary>ε that all studies of a budget have spent or set aside, at the budget's δ: by their own accountant where they share one, else by loss distributions, which bound every kind of release.</summary>
    /// <param name="budget">The budget.</param>
    public double Spent(LifetimeBudget budget)
    {
        ArgumentNullException.ThrowIfNull(budget);
        var paid = Entries().Where(e => IsOf(budget, e.Account)).ToList();
        var names = paid.Select(e => e.Accountant).Distinct(StringComparer.Ordinal).ToList();
        return BudgetExceeded.Cost([.. paid.SelectMany(Held)], budget.Delta, AccountantNames.Of(names.Count == 1 ? names[0] : ""));
    }

    /// <summary>Sets aside all that a study may release, before it starts, and notes the accountant that it was planned with. A resumed run reserves what it had reserved.</summary>
    /// <returns>Null when it fits; else what does not, and what would.</returns>
    /// <exception cref="InvalidOperationException">The run has reserved something else before.</exception>
    public BudgetExceeded? Reserve(LedgerAccount account, IReadOnlyList<LedgerItem> plan, IPrivacyAccountant accountant)
    {
        ArgumentNullException.ThrowIfNull(account);
        ArgumentNullException.ThrowIfNull(plan);
        ArgumentNullException.ThrowIfNull(accountant);
        lock (_database.Gate)
        {
            var entries = Entries();
            if (entries.FirstOrDefault(e => e.Account.Run == account.Run && e.Account.Site == account.Site) is { } before)
            {
                if (!Same(before.Reserved, plan)) throw new InvalidOperationException($"The run '{account.Run}' has reserved another plan for site '{account.Site}'.");
                return null;
            }
            foreach (var budget in Budgets())
            {
                if (!IsOf(budget, account)) continue;
                if (BudgetExceeded.Judge(budget, [.. entries.Where(e => IsOf(budget, e.Account)).SelectMany(Held)], plan, accountant) is { } exceeded) return exceeded;
            }
            Commit("reserve", () =>
            {
                Write("INSERT INTO accounts (run, study, site, dataset, open, accountant) VALUES (@a, @b, @c, @d, 1, @e) ON CONFLICT DO NOTHING", account.Run, account.Study, account.Site, account.DataSet, accountant.Name);
                foreach (var item in Joined(plan))
                    Write("INSERT INTO reserved SELECT id, @c, @d FROM accounts WHERE run = @a AND site = @b ON CONFLICT DO NOTHING", account.Run, account.Site, item.Event, item.Count);
            });
            return null;
        }
    }

    /// <summary>Charges an answer, before it leaves. Charged already, it costs nothing more.</summary>
    /// <param name="account">Whose budget.</param>
    /// <param name="answer">What tells the answer from all others of the run.</param>
    /// <param name="released">What it releases.</param>
    /// <param name="sha256">SHA-256 (hex) of its final bytes.</param>
    /// <returns>False: it is not within what was reserved, or it was charged with other bytes, so it must not leave.</returns>
    public bool Charge(LedgerAccount account, string answer, PrivacyEvent released, string sha256)
    {
        ArgumentNullException.ThrowIfNull(account);
        ArgumentNullException.ThrowIfNull(released);
        lock (_database.Gate)
        {
            if (Charged(account, answer) is { } before) return before == sha256;
            var (unit, count) = EventText.Apart(released);
            var text = EventText.Write(unit);
            var left = Read("""
                SELECT r.count - CAST(COALESCE((SELECT SUM(c.count) FROM charges c WHERE c.account = r.account AND c.event = r.event), 0) AS BIGINT)
                FROM reserved r JOIN accounts a ON a.id = r.account WHERE a.run = @a AND a.site = @b AND a.open = 1 AND r.event = @c
                """, r => r.GetInt64(0), account.Run, account.Site, text);
            if (left.Count == 0 || left[0] < count) return false;
            Commit("charge", () => Write("INSERT INTO charges SELECT id, @c, @d, @e, @f, @g FROM accounts WHERE run = @a AND site = @b ON CONFLICT DO NOTHING",
                account.Run, account.Site, answer, text, count, sha256, _time.GetUtcNow().ToString("O", CultureInfo.InvariantCulture)));
            return true;
        }
    }

    /// <summary>How far the ledger has come: a chain over its charges in their order. Only a ledger in a file of its own has one.</summary>
    public LedgerHead Head => HeadAt(long.MaxValue);

    /// <summary>How far it had come with its first charges.</summary>
    /// <param name="charges">How many; more than there are: all.</param>
    public LedgerHead HeadAt(long charges)
    {
        if (_shared) throw new InvalidOperationException("A ledger that runs share has no order of its own.");
        lock (_database.Gate)
        {
            var whole = charges == long.MaxValue;
            var (count, last, digest) = whole ? _chain : (0, 0, new byte[SHA256.HashSizeInBytes]);
            foreach (var (row, next) in Links(last, digest, charges)) (count, last, digest) = (count + 1, row, next);
            if (whole) _chain = (count, last, digest);
            return new(count, Convert.ToHexStringLower(digest));
        }
    }

    /// <summary>The chain after each charge, in their order (hex).</summary>
    internal IReadOnlyList<string> Chain()
    {
        lock (_database.Gate) return [.. Links(0, new byte[SHA256.HashSizeInBytes], long.MaxValue).Select(l => Convert.ToHexStringLower(l.Digest))];
    }

    // Rows are never deleted, so their numbers grow.
    private IEnumerable<(long Row, byte[] Digest)> Links(long after, byte[] digest, long most)
    {
        var rows = Read("""
                SELECT c.rowid, a.run, a.site, a.dataset, c.answer, c.event, c.count, c.sha256, c.time FROM charges c JOIN accounts a ON a.id = c.account WHERE c.rowid > @a ORDER BY c.rowid LIMIT @b
                """, r => (Row: r.GetInt64(0), Text: string.Join('\n', Enumerable.Range(1, 8).Select(i => Convert.ToString(r.GetValue(i), CultureInfo.InvariantCulture)))), after, most);
        foreach (var (row, text) in rows)
        {
            digest = SHA256.HashData([.. digest, .. Encoding.UTF8.GetBytes(text)]);
            yield return (row, digest);
        }
    }

    /// <summary>SHA-256 (hex) of an answer that was charged; null: it was not.</summary>
    public string? Charged(LedgerAccount account, string answer)
    {
        ArgumentNullException.ThrowIfNull(account);
        return Read("SELECT c.sha256 FROM charges c JOIN accounts a ON a.id = c.account WHERE a.run = @a AND a.site = @b AND c.answer = @c", r => r.GetString(0), account.Run, account.Site, answer).FirstOrDefault();
    }

    /// <summary>All charges of an account, as they stand in the ledger.</summary>
    internal IReadOnlyList<(string Answer, string Event, long Count, string Sha256)> Charges(LedgerAccount account) =>
        Read("SELECT c.answer, c.event, c.count, c.sha256 FROM charges c JOIN accounts a ON a.id = c.account WHERE a.run = @a AND a.site = @b ORDER BY c.answer",
            r => (r.GetString(0), r.GetString(1), r.GetInt64(2), r.GetString(3)), account.Run, account.Site);

    /// <summary>The study is over: what it reserved and did not release is free again.</summary>
    public void Close(LedgerAccount account)
    {
        ArgumentNullException.ThrowIfNull(account);
        Commit("close", () => Write("UPDATE accounts SET open = 0 WHERE run = @a AND site = @b", account.Run, account.Site));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (!_shared) _database.Dispose();
    }

    private static bool IsOf(LifetimeBudget budget, LedgerAccount account) => budget.Name == (budget.Scope == BudgetScope.DataSet ? account.DataSet : account.Site);

    private static IReadOnlyList<LedgerItem> Held(LedgerEntry entry) => entry.Open ? entry.Reserved : entry.Charged;

    private static bool Same(IReadOnlyList<LedgerItem> reserved, IReadOnlyList<LedgerItem> plan) =>
        reserved.Select(i => (EventText.Write(i.Event), i.Count)).Order().SequenceEqual(Joined(plan).Select(i => (i.Event, i.Count)).Order());

    private static IEnumerable<(string Event, long Count)> Joined(IReadOnlyList<LedgerItem> plan) =>
        plan.Where(i => i.Count > 0).GroupBy(i => EventText.Write(i.Event), StringComparer.Ordinal).Select(g => (g.Key, g.Sum(i => i.Count)));

    private List<LedgerItem> Items(string sql, long account) => Read(sql, r => new LedgerItem(EventText.Read(r.GetString(0)), r.GetInt64(1)), account);

    private void Commit(string what, Action write)
    {
        _beforeWrite?.Invoke("ledger-" + what);
        _database.Atomically(() =>
        {
            var charges = what == "charge";
            if (!charges && _seal is { RestHolds: false }) throw Edited();
            write();
            if (charges) _seal?.TakeCharges((after, digest) => Links(after, digest, long.MaxValue));
            else _seal?.TakeRest();
            return 0;
        });
    }

    private static SqliteDatabase Opened(string path)
    {
        try
        {
            return SqliteDatabase.Open(path, "PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA cache_size=-64;");
        }
        catch (SqliteException e)
        {
            throw Unreadable(path, e);
        }
    }

    private static InvalidDeclarationException Unreadable(string path, SqliteException e) => new([Messages.Problem("ledger-unreadable", Place.InFile(path), e.Message)]);

    private void CheckSeal() => _database.Atomically(() =>
    {
        (long Row, byte[] Digest) last = (0, new byte[SHA256.HashSizeInBytes]);
        foreach (var link in Links(0, last.Digest, long.MaxValue)) last = link;
        return _seal!.Holds(last) ? 0 : throw Edited();
    });

    private InvalidDeclarationException Edited() => new([Messages.Problem("ledger-edited", Place.InFile(Path))]);

    private void Write(string sql, params ReadOnlySpan<object?> values) => _database.Write(sql, values);

    private List<T> Read<T>(string sql, Func<DbDataReader, T> row, params ReadOnlySpan<object?> values) => [.. _database.Read(sql, row, values)];
}
