using System.Collections.Concurrent;
using System.Text;
using Comity.Declarations;
using Comity.Federation.Runs;
using Comity.Federation.Trials;
using Comity.Testing;
using RabbitMQ.Client;

namespace Comity.Workers.Tests;

/// <summary>Dispatcher and workers over a real broker and a real database, with training that a test decides.</summary>
public sealed class WorkerTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(1);

    [Fact]
    public async Task Orders_are_trained_by_whoever_has_a_slot_free_and_come_back_as_they_were_made()
    {
        await using var fixture = new Fixture();
        await using var dispatcher = await fixture.DispatchAsync();
        fixture.Start("a", Echo);
        fixture.Start("b", Echo);

        var back = await Task.WhenAll(Enumerable.Range(0, 12).Select(async i =>
        {
            var handover = await dispatcher.TrainAsync(fixture.Order($"local/{i}~r0"), CancellationToken.None).WaitAsync(Limit);
            var text = File.ReadAllText(Path.Combine(handover.Folder, "product.txt"));
            await handover.Kept(CancellationToken.None);
            return text;
        }));

        Assert.Equal(Enumerable.Range(0, 12).Select(i => $"given of local/{i}~r0"), back);
    }

    [Fact]
    public async Task What_fails_everywhere_ends_with_its_name_and_lies_with_the_dead_letters()
    {
        await using var fixture = new Fixture();
        await using var dispatcher = await fixture.DispatchAsync();
        fixture.Start("a", (_, _, _, _, _) => throw new IOException("The disk is full."));

        var stopped = await Assert.ThrowsAsync<StudyStoppedException>(() => dispatcher.TrainAsync(fixture.Order("pooled~r0"), CancellationToken.None).WaitAsync(Limit));

        Assert.Equal("trial-dead", stopped.Problem.Code);
        Assert.Contains("pooled~r0 failed 3 times", stopped.Message, StringComparison.Ordinal);
        Assert.Contains("The disk is full.", stopped.Message, StringComparison.Ordinal);
        Assert.Equal(3, fixture.Events.Count(e => e is WorkerEvent.Begun));
        Assert.Contains("pooled~r0", await fixture.DeadLetterAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Training_that_would_fail_anywhere_is_delivered_once()
    {
        await using var fixture = new Fixture();
        await using var dispatcher = await fixture.DispatchAsync();
        fixture.Start("a", (_, _, _, _, _) => throw new StudyStoppedException(Messages.Problem("trial-no-worker", "here", "there")));

        var stopped = await Assert.ThrowsAsync<StudyStoppedException>(() => dispatcher.TrainAsync(fixture.Order("pooled~r0"), CancellationToken.None).WaitAsync(Limit));

        Assert.Contains("No worker is there to train", stopped.Message, StringComparison.Ordinal);
        Assert.Single(fixture.Events, e => e is WorkerEvent.Begun);
    }

    [Fact]
    public async Task A_worker_that_stands_still_loses_its_order_and_what_it_hands_over_late_does_not_count()
    {
        await using var fixture = new Fixture();
        await using var dispatcher = await fixture.DispatchAsync(lease: TimeSpan.FromSeconds(3));
        var still = new TaskCompletionSource();
        fixture.Start("still", async (order, _, _, product, _) =>
        {
            await still.Task; // whatever it is told
            await WriteAsync(product, "late");
        }, computed: TimeSpan.Zero);
        var trained = dispatcher.TrainAsync(fixture.Order("pooled~r0"), CancellationToken.None);
        await fixture.UntilAsync(e => e is WorkerEvent.Begun);

        fixture.Start("heir", Echo);
        var handover = await trained.WaitAsync(Limit);
        still.SetResult();
        await fixture.UntilAsync(e => e is WorkerEvent.LeaseLost);

        Assert.Equal("given of pooled~r0", File.ReadAllText(Path.Combine(handover.Folder, "product.txt")));
    }

    [Fact]
    public async Task A_worker_without_the_study_declines_and_the_run_hears_why()
    {
        await using var fixture = new Fixture();
        await using var dispatcher = await fixture.DispatchAsync();
        fixture.Start("a", Echo, declines: true);
        var trained = dispatcher.TrainAsync(fixture.Order("pooled~r0"), CancellationToken.None);
        await fixture.UntilAsync(e => e is WorkerEvent.Declined);

        fixture.Start("b", Echo);
        await trained.WaitAsync(Limit);

        Assert.All(fixture.Events.OfType<WorkerEvent.Finished>(), e => Assert.Equal("pooled~r0", e.Order));
        Assert.Single(await fixture.DeclinesAsync());
    }

    [Fact]
    public async Task A_group_that_nobody_takes_is_trained_by_the_run_and_one_that_is_taken_is_not()
    {
        await using var fixture = new Fixture();
        var here = new ConcurrentQueue<string>();
        await using var dispatcher = await fixture.DispatchAsync(here: async (order, slots, _, product, token) =>
        {
            here.Enqueue(order.Id);
            await Echo(order, slots, "", product, token);
        });
        Assert.Empty(await dispatcher.WorkersAsync(CancellationToken.None));
        Assert.Equal("given of groups/a/1/1-2", await TrainedAsync("groups/a/1/1-2", TimeSpan.FromDays(1))); // there is nobody to wait for

        var busy = new TaskCompletionSource();
        fixture.Start("a", async (order, slots, scratch, product, token) =>
        {
            await busy.Task.WaitAsync(token);
            await Echo(order, slots, scratch, product, token);
        });
        await UntilThereAsync();
        var taken = TrainedAsync("groups/a/2/1-2", TimeSpan.FromDays(1));
        await fixture.UntilAsync(e => e is WorkerEvent.Begun { Order: "groups/a/2/1-2" });
        Assert.Equal("given of groups/a/2/3-4", await TrainedAsync("groups/a/2/3-4", TimeSpan.FromSeconds(1))); // its only worker is busy
        busy.SetResult();

        Assert.Equal("given of groups/a/2/1-2", await taken);
        Assert.Equal(["groups/a/1/1-2", "groups/a/2/3-4"], here);

        async Task<string> TrainedAsync(string id, TimeSpan patience)
        {
            var handover = await dispatcher.TrainAsync(fixture.Group(id, patience), CancellationToken.None).WaitAsync(Limit);
            var text = await File.ReadAllTextAsync(Path.Combine(handover.Folder, "product.txt"));
            await handover.Kept(CancellationToken.None);
            return text;
        }

        async Task UntilThereAsync()
        {
            using var limit = new CancellationTokenSource(Limit);
            while ((await dispatcher.WorkersAsync(limit.Token)).Count == 0) await Task.Delay(20, limit.Token);
        }
    }

    [Fact]
    public async Task Whoever_is_at_work_on_a_group_that_is_forgotten_loses_its_lease_and_nothing_of_it_stays()
    {
        await using var fixture = new Fixture();
        await using var dispatcher = await fixture.DispatchAsync(lease: TimeSpan.FromSeconds(2));
        using var limit = new CancellationTokenSource(Limit);
        fixture.Start("a", async (_, _, _, _, token) => await Task.Delay(Timeout.Infinite, token));
        var trained = dispatcher.TrainAsync(fixture.Group("groups/a/1/1-2", TimeSpan.FromDays(1)), limit.Token);
        await fixture.UntilAsync(e => e is WorkerEvent.Begun);

        await dispatcher.ForgetAsync("groups/a/1/", CancellationToken.None);

        await fixture.UntilAsync(e => e is WorkerEvent.LeaseLost { Order: "groups/a/1/1-2" });
        await limit.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => trained);
    }

    private static async Task Echo(TrialOrder order, int slots, string scratch, string product, CancellationToken cancellationToken) =>
        await WriteAsync(product, $"{await File.ReadAllTextAsync(Assert.Single(order.Files).Path, cancellationToken)} of {order.Id}");

    private static async Task WriteAsync(string product, string text)
    {
        Directory.CreateDirectory(product);
        await File.WriteAllTextAsync(Path.Combine(product, "product.txt"), text);
    }

    private sealed class Fixture : IAsyncDisposable
    {
        private readonly TestStore _store = new();
        private readonly TempFolder _folder = new();
        private readonly string _given; // written once: an order may be on its way while the next one is made
        private readonly CancellationTokenSource _over = new();
        private readonly List<Task> _workers = [];

        public ConcurrentQueue<WorkerEvent> Events { get; } = [];

        public Fixture() => _given = _folder.Write("given", "given");

        public TrialOrder Order(string id) => TestStore.Order(id) with { Files = [new("given", _given)] };

        public TrialOrder Group(string id, TimeSpan patience) => Order(id) with { Patience = patience, Group = new SiteGroup { Federation = "a", Round = 1, Sites = [new("s1", 0), new("s2", 0)] } };

        public Task<TrialDispatcher> DispatchAsync(TimeSpan? lease = null, TrainOrder? here = null) => TrialDispatcher.OpenAsync(_store.Address, TestStore.Queue(), new DispatchOptions
        {
            Run = "run", Description = TestStore.Description, Folder = _folder.At("products"), Lease = lease ?? TimeSpan.FromSeconds(30), Tell = _ => { }, TrainHere = here,
        }, CancellationToken.None);

        public void Start(string name, TrainOrder train, bool declines = false, TimeSpan? computed = null) => _workers.Add(Task.Run(async () =>
        {
            await using var worker = await TrialWorker.OpenAsync(_store.Address, TestStore.Queue(), new WorkerOptions
            {
                Name = name, Machine = name, Slots = 1, VectorBits = 256, Architecture = "X64", Version = "1", Scratch = _folder.At(name), Tell = Events.Enqueue, Computed = () => computed ?? Environment.CpuUsage.TotalTime,
                Open = (_, _) => declines ? throw new DeclinedException(Messages.Problem("trial-no-worker", "here", "there")) : Task.FromResult(train),
            }, CancellationToken.None);
            await worker.RunAsync(_over.Token);
        }));

        public async Task UntilAsync(Func<WorkerEvent, bool> happened)
        {
            using var limit = new CancellationTokenSource(Limit);
            while (!Events.Any(happened)) await Task.Delay(20, limit.Token);
        }

        public async Task<string> DeadLetterAsync()
        {
            await using var store = await _store.OpenAsync();
            await using var connection = await new ConnectionFactory { Uri = TestStore.Queue().Uri }.CreateConnectionAsync();
            await using var channel = await connection.CreateChannelAsync();
            return Encoding.UTF8.GetString((await channel.BasicGetAsync($"comity.trials.{store.Name}.dead", autoAck: true))!.Body.Span);
        }

        public async Task<IReadOnlyList<string>> DeclinesAsync()
        {
            await using var store = await _store.OpenAsync();
            return [.. (await store.DeclinesAsync("run", CancellationToken.None)).Select(d => d.Worker)];
        }

        public async ValueTask DisposeAsync()
        {
            await _over.CancelAsync();
            await Task.WhenAll(_workers);
            await _store.DisposeAsync();
            _folder.Dispose();
            _over.Dispose();
        }
    }
}
