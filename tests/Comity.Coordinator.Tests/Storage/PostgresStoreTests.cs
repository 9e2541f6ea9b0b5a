using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Comity.Coordinator.Identity;
using Comity.Coordinator.Storage;
using Comity.Federation.AtRest;
using Comity.Testing;
using Comity.Transport.Stores;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace Comity.Coordinator.Tests.Storage;

/// <summary>Opening, leading, losing and finding again.</summary>
public sealed class PostgresStoreTests : IDisposable
{
    private readonly TestDatabase _database = new();
    private readonly TempFolder _folder = new();

    public void Dispose()
    {
        _database.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void The_schema_of_the_previous_version_is_brought_up_to_date_and_a_newer_one_is_left_alone()
    {
        using (var old = PostgresStore.Open(_database.Address, upTo: 1))
        {
            _database.Execute($"INSERT INTO {_database.Schema}.members VALUES ('berlin', 'Site', 'F', '\\x01', '\\x02', 1, 2, NULL); INSERT INTO {_database.Schema}.settings VALUES ('join-secret', 'S')");
        }
        using (var store = PostgresStore.Open(_database.Address))
        using (var authority = CertificateAuthority.OpenOrMake(_folder.FullPath, TimeProvider.System))
        {
            var registry = new Registry(CoordinatorDatabase.Of(store), authority, TimeProvider.System);
            Assert.Equal([1], registry.ByName("berlin")!.PublicKey);
            Assert.Equal("S", registry.JoinSecret(renew: false));
            Assert.Null(store.Of("s-1").Run.Read("SELECT json FROM rounds", r => r.GetString(0)).FirstOrDefault());
        }
        Assert.Equal(PostgresSchema.Newest, _database.Number("SELECT version FROM @schema.schema_version"));

        _database.Execute($"UPDATE {_database.Schema}.schema_version SET version = {PostgresSchema.Newest + 1}");
        Assert.Equal(PostgresSchema.Newest + 1, Assert.Throws<NewerStateException>(() => PostgresStore.Open(_database.Address)).Found);
    }

    [Fact]
    public async Task Coordinators_that_open_a_new_schema_at_the_same_moment_all_find_it_whole()
    {
        await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => Task.Run(() => PostgresStore.Open(_database.Address).Dispose())));
        Assert.Equal(PostgresSchema.Newest, _database.Number("SELECT version FROM @schema.schema_version"));
    }

    [Fact]
    public void One_leads_at_a_time_and_the_epoch_rises_with_each()
    {
        long first;
        using (var store = Lead())
        {
            first = store.Epoch;
            var refused = Assert.Throws<StoreRefusedException>(() => Lead(TimeSpan.Zero));
            Assert.Equal("store-led", refused.Problem.Code);
            Assert.Contains(Environment.MachineName, refused.Problem.Found(CultureInfo.InvariantCulture), StringComparison.Ordinal);
        }
        using var second = Lead();
        Assert.Equal(first + 1, second.Epoch);
    }

    [Fact]
    public void Whose_epoch_is_over_writes_nothing_more_anywhere()
    {
        using var sleeper = Lead();
        var shared = sleeper.Of("s-1");
        var file = _folder.At("body");
        File.WriteAllBytes(file, [1, 2, 3]);
        shared.Bodies.Keep("a", file, "before");
        sleeper.Control.Write("INSERT INTO settings VALUES ('k', 'before')");

        _database.RaiseEpoch(); // it slept, and another took over

        Action[] writes =
        [
            () => sleeper.Control.Write("UPDATE settings SET value = 'after'"),
            () => sleeper.Identity.Atomically(() => sleeper.Identity.Write("UPDATE settings SET value = 'after'")),
            () => shared.Run.Write("INSERT INTO run VALUES (@study, 'k', 'after')"),
            () => shared.Bodies.Keep("a", file, "after"),
            () => shared.Bodies.Delete("a"),
        ];
        foreach (var write in writes) Assert.Throws<StaleEpochException>(write);
        Assert.True(sleeper.Superseded.IsCancellationRequested);
        Assert.Equal("before", sleeper.Control.Read("SELECT value FROM settings WHERE key = 'k'", r => r.GetString(0))[0]);
        Assert.Equal("before", Assert.Single(shared.Bodies.List("")).Value);
        Assert.Empty(shared.Run.Read("SELECT value FROM run", r => r.GetString(0)));
    }

    [Fact]
    public async Task What_must_not_be_lost_waits_for_a_database_that_went_away_and_callers_are_told_at_once()
    {
        using var store = Lead();
        var file = _folder.At("body");
        File.WriteAllBytes(file, new byte[100]);
        _database.GoAway();

        var writes = Task.Run(() =>
        {
            store.Control.Write("INSERT INTO settings VALUES ('k', 'v')");
            store.Of("s-1").Bodies.Keep("a", file, "");
            return store.Of("s-1").Bodies.Fetch("a", _folder.At("fetched"));
        });
        Assert.Throws<StoreUnavailableException>(() => store.Identity.Read("SELECT 1", r => r.GetInt32(0)));
        await WaitAsync(() => !store.IsThere);
        Assert.False(writes.IsCompleted);

        _database.ComeBack();
        Assert.True(await writes);
        await WaitAsync(() => store.IsThere);
        Assert.False(store.Superseded.IsCancellationRequested);
        Assert.Equal(100, new FileInfo(_folder.At("fetched")).Length);

        // Connections that died in the pool are nobody's failure.
        _database.Cut();
        Assert.Equal("v", store.Identity.Read("SELECT value FROM settings WHERE key = 'k'", r => r.GetString(0))[0]);
        Assert.Equal(1, store.Identity.Write("UPDATE settings SET value = 'w' WHERE key = 'k'"));
    }

    [Fact]
    public async Task Who_looks_for_revocations_outlives_a_database_that_went_away()
    {
        using var store = Lead();
        using var database = CoordinatorDatabase.Of(store);
        Directory.CreateDirectory(_folder.At("authority"));
        using var authority = CertificateAuthority.OpenOrMake(_folder.At("authority"), TimeProvider.System);
        var (tokens, open, waiting) = (new Comity.Coordinator.Access.Tokens(database), new OpenCalls(), new Waiting());
        var kept = tokens.Create("ana", Comity.Transport.Identity.CallerRole.Viewer, null, DateTimeOffset.UtcNow, TimeSpan.FromDays(1)).Kept;
        var context = new Microsoft.AspNetCore.Http.DefaultHttpContext();
        context.Features.Set<Microsoft.AspNetCore.Http.Features.IHttpRequestLifetimeFeature>(waiting);
        using var call = open.Enter(new("ana", kept.Role, kept.Id), context);
        using var watchman = new Watchman(new Registry(database, authority, TimeProvider.System), tokens, open, TimeProvider.System, Microsoft.Extensions.Logging.Abstractions.NullLogger<Watchman>.Instance);
        await watchman.StartAsync(default);
        _database.GoAway();
        Assert.Throws<StoreUnavailableException>(() => store.Identity.Read("SELECT 1", r => r.GetInt32(0)));
        await Task.Delay(TimeSpan.FromSeconds(2)); // it looks twice a second
        Assert.False(watchman.ExecuteTask!.IsCompleted); // who fails here ends the process

        _database.ComeBack();
        await WaitAsync(() => store.IsThere);
        Assert.False(waiting.Aborted);
        Assert.True(tokens.Revoke(kept.Id, DateTimeOffset.UtcNow));
        await WaitAsync(() => waiting.Aborted);
        await watchman.StopAsync(default);
    }

    private sealed class Waiting : Microsoft.AspNetCore.Http.Features.IHttpRequestLifetimeFeature
    {
        public bool Aborted { get; private set; }

        public CancellationToken RequestAborted { get; set; }

        public void Abort() => Aborted = true;
    }

    [Fact]
    public async Task Who_waits_for_the_database_stops_waiting_when_the_process_ends()
    {
        using var store = Lead();
        _database.GoAway();
        var write = Task.Run(() => store.Control.Write("INSERT INTO settings VALUES ('k', 'v')"));
        await WaitAsync(() => !store.IsThere);
        store.Stop();
        await Assert.ThrowsAsync<StoreUnavailableException>(() => write);
    }

    [Fact]
    public void Bodies_are_cut_into_rows_and_come_back_whole()
    {
        using var store = PostgresStore.Open(_database.Address);
        var bodies = store.FilesOf("s-1");
        var random = new Random(1);
        foreach (var length in new[] { 0, 1, (2 << 20) - 1, 2 << 20, (5 << 20) + 3 })
        {
            var bytes = new byte[length];
            random.NextBytes(bytes);
            File.WriteAllBytes(_folder.At("in"), bytes);
            bodies.Keep("weights/0.f32", _folder.At("in"), $"{length}");
            bodies.Keep("weights/0.f32.other", _folder.At("in"), "");
            Assert.True(bodies.Fetch("weights/0.f32", _folder.At("out", "body")));
            Assert.Equal(bytes, File.ReadAllBytes(_folder.At("out", "body")));
        }
        Assert.Equal(["weights/0.f32", "weights/0.f32.other"], bodies.List("weights/").Select(b => b.Key).Order());
        Assert.Empty(bodies.List("weight_")); // no pattern
        Assert.False(bodies.Fetch("weights/1.f32", _folder.At("none")));
        Assert.False(File.Exists(_folder.At("none")));
        Assert.Empty(store.FilesOf("s-2").List(""));
        bodies.Delete("weights/0.f32");
        Assert.Equal(0, _database.Number("SELECT count(*) FROM @schema.body_parts"));
    }

    [Theory]
    [InlineData("postgres://ana:ge%40heim@db.example:6543/clinic?sslmode=verify-full&schema=trial_1", "postgres://db.example:6543/clinic?schema=trial_1", "postgres://ana@db.example:6543/clinic")]
    [InlineData("postgresql://db.example/clinic", "postgres://db.example:5432/clinic", "postgres://db.example:5432/clinic")]
    [InlineData("Host=/run/pg;Username=ana;Password=ge@heim;Database=clinic", "postgres:///run/pg:5432/clinic", "postgres://ana@/clinic?host=%2Frun%2Fpg&port=5432")]
    [InlineData("postgres:///clinic?host=/run/pg&user=ana", "postgres:///run/pg:5432/clinic", "postgres://ana@/clinic?host=%2Frun%2Fpg&port=5432")]
    public void An_address_is_read_as_other_tools_read_it_and_shown_without_its_password(string text, string shown, string forTools)
    {
        var address = StoreAddress.Read(text, StoreAddress.Option, "comity-coordinator", [])!;
        Assert.Equal((shown, forTools), (address.Shown, address.ForTools));
        Assert.DoesNotContain("heim", address.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("mysql://ana:geheim@db/clinic")]
    [InlineData("postgres://ana:geheim@db")]
    [InlineData("postgres://ana:geheim@db/clinic?schema=Drop Table")]
    [InlineData("postgres://ana:geheim@db/clinic?nonsense=1")]
    [InlineData("geheim")]
    public async Task What_cannot_be_read_is_refused_without_being_repeated(string text)
    {
        var (exit, said) = await CommandAsync(text);
        Assert.Equal(2, exit);
        Assert.Contains("[store-unreadable]", said, StringComparison.Ordinal);
        Assert.DoesNotContain("geheim", said, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_database_that_can_not_be_had_is_one_clear_error_without_a_secret()
    {
        using var wrongPassword = new PasswordRefusal();
        using var nobody = new TcpListener(IPAddress.Loopback, 0);
        nobody.Start();
        var closed = ((IPEndPoint)nobody.LocalEndpoint).Port;
        nobody.Stop();
        PostgresStore.Open(_database.Address).Dispose();
        var newer = new TestDatabase();
        PostgresStore.Open(newer.Address).Dispose();
        newer.Execute($"UPDATE {newer.Schema}.schema_version SET version = 99");
        foreach (var (text, code) in new[]
        {
            ($"postgres://ana:geheim@127.0.0.1:{wrongPassword.Port}/clinic", "store-no-entry"),
            ($"postgres://ana:geheim@127.0.0.1:{closed}/clinic", "store-unreachable"),
            (_database.Text(b => b.Database = "nowhere"), "store-no-database"),
            (_database.Text(b => b.SearchPath = newer.Schema), "store-not-allowed"),
            (newer.Text(), "state-newer"),
        })
        {
            var (exit, said) = await CommandAsync(text);
            Assert.True(exit == 4 && said.Contains($"[{code}]", StringComparison.Ordinal), $"{code}: {exit} {said}");
            Assert.StartsWith("COMITY_STORE: ", said, StringComparison.Ordinal);
            Assert.Single(said.TrimEnd().Split('\n'));
            Assert.DoesNotContain("geheim", said, StringComparison.Ordinal);
        }
        newer.Dispose();
    }

    [Fact]
    public async Task Folder_and_database_of_one_federation_stay_together()
    {
        Assert.Contains("Listening", await ServedAsync(_folder.At("one"), _database.Text()), StringComparison.Ordinal);
        Assert.Contains("[store-not-named]", await ServedAsync(_folder.At("one"), null), StringComparison.Ordinal);
        Assert.Contains("[store-key-missing]", await ServedAsync(_folder.At("two"), _database.Text()), StringComparison.Ordinal);
        Assert.False(File.Exists(_folder.At("two", "authority.key")));
        Assert.Contains("Listening", await ServedAsync(_folder.At("three"), null), StringComparison.Ordinal);
        Assert.Contains("[store-moved]", await ServedAsync(_folder.At("three"), _database.Text()), StringComparison.Ordinal);
        CertificateAuthority.OpenOrMake(_folder.At(), TimeProvider.System).Dispose();
        Assert.Contains("[store-of-another]", await ServedAsync(_folder.At(), _database.Text()), StringComparison.Ordinal);
        // With its key another folder, on another machine perhaps, is as good as the first.
        Directory.CreateDirectory(_folder.At("four"));
        foreach (var file in new[] { "authority.key", "authority.pem" }) File.Copy(_folder.At("one", file), _folder.At("four", file));
        Assert.Contains("Listening", await ServedAsync(_folder.At("four"), _database.Text()), StringComparison.Ordinal);
        Assert.False(File.Exists(_folder.At("four", CoordinatorDatabase.FileName)));

        var (exit, said) = await CommandAsync(_database.Text(), "backup", "--data", _folder.At("four"), "--to", "/b.tar");
        Assert.True(exit == 2 && said.Contains($"pg_dump --format=custom --schema={_database.Schema} --file=/b.tar 'postgres://", StringComparison.Ordinal), said);
        Assert.DoesNotContain("geheim", said, StringComparison.Ordinal);
        Assert.Equal(0, (await CommandAsync(_database.Text(), "sites", "--data", _folder.At("four"))).Exit);
        Assert.Contains("No study", (await CommandAsync(_database.Text(), "studies", "--data", _folder.At("four"))).Said, StringComparison.Ordinal);
        using (var store = PostgresStore.Open(_database.Address)) new Comity.Coordinator.Studies.StudyBook(store.Control, owned: false).Add(StudiesCommandTests.Entry("hearts-1", Transport.Protocol.StudyState.Done));
        Assert.Contains("hearts-1  done  ana", (await CommandAsync(_database.Text(), "studies", "--data", _folder.At("four"))).Said, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_machine_whose_vault_could_not_open_the_stores_bodies_does_not_start()
    {
        var (key, text) = (_folder.Write("coordinator.key", new string('a', 64)), _database.Text());
        Assert.Contains("Listening", await ServedAsync(_folder.At("one"), text, "--key-file", key), StringComparison.Ordinal);
        string Machine(string name, params string[] files)
        {
            Directory.CreateDirectory(_folder.At(name));
            foreach (var file in files) File.Copy(_folder.At("one", file), _folder.At(name, file));
            return _folder.At(name);
        }

        // With the authority's files alone: they are sealed, and no fresh vault takes the place of the one that opens them.
        var forgotten = Machine("two", "authority.key", "authority.pem");
        Assert.Contains("[state-vault-gone]", await ServedAsync(forgotten, text, "--key-file", key), StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(forgotten, "vault.json")));

        // With the authority's key in the clear, and a vault of its own or none.
        var authority = Machine("three", "authority.pem");
        using (var opened = StateVault.Open(_folder.At("one"), StateKey.OfFile(key, []))) File.WriteAllBytes(Path.Combine(authority, "authority.key"), opened.ReadAll(_folder.At("one", "authority.key")));
        Assert.Contains("[store-vault-missing]", await ServedAsync(authority, text), StringComparison.Ordinal);
        Assert.Contains("[store-vault-other]", await ServedAsync(authority, text, "--key-file", key), StringComparison.Ordinal);

        // After a rotation an older copy of the vault lacks the newest data key.
        var next = _folder.Write("next.key", new string('b', 64));
        var older = Machine("four", "authority.key", "authority.pem", "vault.json");
        Assert.Contains("Listening", await ServedAsync(older, text, "--key-file", key), StringComparison.Ordinal);
        StateVault.Rotate(_folder.At("one"), StateKey.OfFile(key, []), StateKey.OfFile(next, [])!);
        Assert.Contains("Listening", await ServedAsync(_folder.At("one"), text, "--key-file", next), StringComparison.Ordinal);
        Assert.Contains("[store-vault-other]", await ServedAsync(older, text, "--key-file", key), StringComparison.Ordinal);
        Assert.Contains("Listening", await ServedAsync(Machine("five", "authority.key", "authority.pem", "vault.json"), text, "--key-file", next), StringComparison.Ordinal);
    }

    private PostgresStore Lead(TimeSpan? wait = null) => PostgresStore.Lead(_database.Address, null, TimeProvider.System, NullLogger.Instance, wait ?? TimeSpan.FromMinutes(2), default);

    // In the environment, as it should be written.
    private Task<(int Exit, string Said)> CommandAsync(string store, params string[] command) =>
        RunAsync(store, command.Length > 0 ? command : ["serve", "--listen", "https://127.0.0.1:0", "--data", _folder.At("command")], default);

    private static async Task<(int Exit, string Said)> RunAsync(string? store, string[] command, CancellationToken cancellationToken)
    {
        var (output, error) = (new StringWriter(CultureInfo.InvariantCulture), new StringWriter(CultureInfo.InvariantCulture));
        var exit = await CoordinatorCommandLine.RunAsync([.. command, "--lang", "en"], name => name == StoreAddress.Variable ? store : null, output, error, TimeProvider.System, cancellationToken);
        return (exit, error.ToString() + output);
    }

    private static async Task<string> ServedAsync(string folder, string? store, params string[] more)
    {
        using var stop = new CancellationTokenSource();
        var (output, error) = (new StringWriter(CultureInfo.InvariantCulture), new StringWriter(CultureInfo.InvariantCulture));
        var serving = CoordinatorCommandLine.RunAsync(["serve", "--listen", "https://127.0.0.1:0", "--data", folder, "--lang", "en", .. more], name => name == StoreAddress.Variable ? store : null,
            TextWriter.Synchronized(output), TextWriter.Synchronized(error), TimeProvider.System, stop.Token);
        while (!serving.IsCompleted && !output.ToString().Contains("A site joins", StringComparison.Ordinal)) await Task.Delay(10, CancellationToken.None);
        await stop.CancelAsync();
        await serving;
        return $"{error}{output}";
    }

    private static async Task WaitAsync(Func<bool> until)
    {
        while (!until()) await Task.Delay(10);
    }

    /// <summary>Answers every start-up as a PostgreSQL server answers a wrong password.</summary>
    private sealed class PasswordRefusal : IDisposable
    {
        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);

        public PasswordRefusal()
        {
            _listener.Start();
            _ = Task.Run(async () =>
            {
                while (true)
                {
                    using var client = await _listener.AcceptTcpClientAsync();
                    var (stream, read) = (client.GetStream(), new byte[1024]);
                    while (true)
                    {
                        if (await stream.ReadAsync(read) is var length && length == 0) break;
                        // SSLRequest and GSSENCRequest are 8 bytes long, and answered no.
                        if (length == 8)
                        {
                            await stream.WriteAsync("N"u8.ToArray());
                            continue;
                        }
                        var fields = Encoding.UTF8.GetBytes("SFATAL\0VFATAL\0C28P01\0Mpassword authentication failed for user \"ana\"\0\0");
                        await stream.WriteAsync((byte[])[(byte)'E', .. BitConverter.GetBytes(IPAddress.HostToNetworkOrder(fields.Length + 4)), .. fields]);
                        break;
                    }
                }
            });
        }

        public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

        public void Dispose() => _listener.Dispose();
    }
}
