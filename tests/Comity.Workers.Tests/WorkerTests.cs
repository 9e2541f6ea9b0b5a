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

        public Task<TrialDispatcher> DispatchAsync(TimeSpan? lease = null) => TrialDispatcher.OpenAsync(_store.Address, TestStore.Queue(), new DispatchOptions
        {
            Run = "run", Description = TestStore.Description, Folder = _folder.At("products"), Lease = lease ?? TimeSpan.FromSeconds(30), Tell = _ => { },
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
