using Comity.Coordinator.Hosting;
using Comity.Coordinator.Storage;
using Comity.Transport.Queues;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;
using RabbitMQ.Client.Exceptions;

namespace Comity.Coordinator.Replicas;

/// <summary>The queue with a single active consumer: whoever holds its message is named to drive the studies.</summary>
/// <remarks>
/// <code>
/// replicas ──consume──► [quorum queue, single active consumer] ──the message──► one of them, until its connection ends
/// </code>
/// Being named is no right to write: that is the epoch, which who is named raises. So a broker that goes away stops nobody, and one
/// that names two replicas in turn harms nothing.
/// </remarks>
internal sealed class DrivingQueue : IAsyncDisposable
{
    // Two heartbeats missed: a replica that sleeps is noticed after 4 to 6 s.
    private static readonly TimeSpan Heartbeat = TimeSpan.FromSeconds(2);

    // A broker closes the channel of who keeps a message for longer than half an hour.
    private static readonly TimeSpan RenewEvery = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(1);

    private readonly QueueAddress _address;
    private readonly string _queue;
    private readonly ILogger _log;
    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _over = new();
    private readonly TaskCompletionSource _tried = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Task _holding;
    private TaskCompletionSource _named = New();
    private TaskCompletionSource _givenWay = New();

    private DrivingQueue(QueueAddress address, string queue, ILogger log)
    {
        (_address, _queue, _log) = (address, queue, log);
        _holding = Task.Run(HoldAsync);
    }

    /// <summary>Joins the queue. A broker that is not there is waited for; one that lets nobody in is not.</summary>
    /// <param name="address">The broker.</param>
    /// <param name="federation">What the replicas have in common: the fingerprint of their authority.</param>
    /// <param name="log">Hears of loss and return.</param>
    /// <exception cref="StoreRefusedException">The broker refuses the credentials.</exception>
    public static async Task<DrivingQueue> JoinAsync(QueueAddress address, string federation, ILogger log)
    {
        var queue = new DrivingQueue(address, $"comity.drive.{federation}", log);
        try
        {
            await queue._tried.Task;
            return queue;
        }
        catch
        {
            await queue.DisposeAsync();
            throw;
        }
    }

    /// <summary>Waits until this replica is named.</summary>
    public async Task NamedAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            Task named;
            lock (_gate) named = _named.Task;
            await named.WaitAsync(cancellationToken);
            lock (_gate)
            {
                if (_named.Task == named) return; // else it was lost again in between
            }
        }
    }

    /// <summary>Goes to the end of the line: another is named, if there is one.</summary>
    public void GiveWay()
    {
        lock (_gate)
        {
            if (!_named.Task.IsCompleted) return;
            _named = New(); // not named any more from here on
            _givenWay.TrySetResult();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _over.CancelAsync();
        await _holding.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _over.Dispose();
    }

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private async Task HoldAsync()
    {
        var factory = new ConnectionFactory { Uri = _address.Uri, RequestedHeartbeat = Heartbeat, AutomaticRecoveryEnabled = false, TopologyRecoveryEnabled = false, ClientProvidedName = $"comity-coordinator on {Environment.MachineName}" };
        var there = true;
        while (!_over.IsCancellationRequested)
        {
            try
            {
                await using var connection = await factory.CreateConnectionAsync(_over.Token);
                if (!there) LogLines.QueueBack(_log, _address.Shown);
                there = true;
                await ConsumeAsync(connection);
            }
            catch (BrokerUnreachableException e) when (e.InnerException is AuthenticationFailureException && !_tried.Task.IsCompleted)
            {
                _tried.TrySetException(new StoreRefusedException(Texts.Problem("queue-no-entry", _address.Where, _address.Shown, e.InnerException.Message)));
                return;
            }
            catch (Exception e) when (e is BrokerUnreachableException or RabbitMQClientException or IOException or TimeoutException || e is OperationCanceledException && !_over.IsCancellationRequested)
            {
                if (there) LogLines.QueueLost(_log, _address.Shown, (e.InnerException ?? e).Message);
                there = false;
            }
            catch (OperationCanceledException)
            {
                return;
            }
            _tried.TrySetResult();
            lock (_gate)
            {
                if (_named.Task.IsCompleted) _named = New();
            }
            await Task.Delay(RetryAfter, _over.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    // Until the connection ends, way is given, or this replica ends.
    private async Task ConsumeAsync(IConnection connection)
    {
        await using var channel = await connection.CreateChannelAsync(new CreateChannelOptions(publisherConfirmationsEnabled: true, publisherConfirmationTrackingEnabled: true), _over.Token);
        await channel.QueueDeclareAsync(_queue, durable: true, exclusive: false, autoDelete: false,
            new Dictionary<string, object?> { ["x-queue-type"] = "quorum", ["x-single-active-consumer"] = true, ["x-max-length"] = 1 }, cancellationToken: _over.Token);
        var (lost, received) = (New(), System.Threading.Channels.Channel.CreateUnbounded<ulong>());
        Task Lost(object sender, ShutdownEventArgs e)
        {
            lost.TrySetException(new IOException(e.ReplyText));
            return Task.CompletedTask;
        }
        connection.ConnectionShutdownAsync += Lost;
        channel.ChannelShutdownAsync += Lost;
        var consumer = new AsyncEventingBasicConsumer(channel);
        consumer.ReceivedAsync += (_, message) =>
        {
            received.Writer.TryWrite(message.DeliveryTag);
            return Task.CompletedTask;
        };
        // The queue was deleted under this consumer: it is declared anew.
        consumer.UnregisteredAsync += (_, _) =>
        {
            lost.TrySetException(new IOException("The queue is gone."));
            return Task.CompletedTask;
        };
        Task givenWay;
        lock (_gate) givenWay = (_givenWay = New()).Task;
        await channel.BasicQosAsync(0, 1, global: false, _over.Token);
        await PublishAsync(channel);
        await channel.BasicConsumeAsync(_queue, autoAck: false, consumer, _over.Token);
        _tried.TrySetResult();
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(_over.Token);
        var holding = HoldMessagesAsync(channel, received.Reader, ended.Token);
        var first = await Task.WhenAny(lost.Task, givenWay, holding, Task.Delay(Timeout.Infinite, _over.Token));
        await ended.CancelAsync();
        await holding.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await first; // throws what was lost
    }

    // Holds the message that names this replica; now and then it is taken off and the next one held, so that none grows old.
    private async Task HoldMessagesAsync(IChannel channel, System.Threading.Channels.ChannelReader<ulong> received, CancellationToken cancellationToken)
    {
        while (true)
        {
            var held = await received.ReadAsync(cancellationToken);
            lock (_gate) _named.TrySetResult();
            await PublishAsync(channel); // the next one: also where a broker drops a message that came back too often
            await Task.Delay(RenewEvery, cancellationToken);
            await channel.BasicAckAsync(held, multiple: false, cancellationToken);
        }
    }

    // At most one waits in the queue, however many publish.
    private async Task PublishAsync(IChannel channel) =>
        await channel.BasicPublishAsync("", _queue, mandatory: true, new BasicProperties { Persistent = true }, ReadOnlyMemory<byte>.Empty, _over.Token);
}
