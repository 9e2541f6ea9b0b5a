using System.Globalization;
using Comity.Transport.Queues;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;
using RabbitMQ.Client.Exceptions;

namespace Comity.Workers.Queues;

/// <summary>The quorum queue that wakes workers, and the one where lie what nobody could train.</summary>
/// <remarks>
/// <code>
/// run ──one message an order──► comity.trials.STORE ──► a worker with a free slot: leases an order in the store, then acknowledges at once
///                                      └── delivered too often, or no message of ours ──► comity.trials.STORE.dead
/// </code>
/// A message that is lost is sent again by the run, and one too many finds nothing to lease. A connection that ended is made anew by whoever asks next.
/// </remarks>
internal sealed class TrialQueue(QueueAddress address, string store) : IAsyncDisposable
{
    /// <summary>A message that comes back so often is put aside: its workers die before they can lease.</summary>
    public const int DeliveryLimit = 5;

    private readonly SemaphoreSlim _turn = new(1, 1);
    private readonly SemaphoreSlim _publishing = new(1, 1);
    private IConnection? _connection;
    private IChannel? _channel;

    private string Name => $"comity.trials.{store}";

    private string Dead => $"{Name}.dead";

    /// <summary>Whether an exception says that the broker can't be had at the moment.</summary>
    public static bool Passes(Exception e) => e is RabbitMQClientException or IOException or TimeoutException or ObjectDisposedException;

    /// <summary>Connects for the first time.</summary>
    /// <exception cref="WorkersRefusedException">The broker can't be used.</exception>
    public async Task OpenAsync(CancellationToken cancellationToken)
    {
        try
        {
            await ChannelAsync(cancellationToken);
        }
        catch (Exception e) when (Passes(e))
        {
            throw new WorkersRefusedException(Messages.Problem("trial-queue-refused", address.Where, address.Shown, (e.InnerException ?? e).Message), e);
        }
    }

    /// <summary>Says that an order waits; the broker has it when this returns.</summary>
    public Task PublishAsync(TrialMessage message, CancellationToken cancellationToken) => PublishAsync(Name, message.ToBytes(), null, cancellationToken);

    /// <summary>Puts an order aside that nobody could train.</summary>
    /// <param name="message">The order.</param>
    /// <param name="reason">Why.</param>
    /// <param name="cancellationToken">Stops it.</param>
    public Task PutAsideAsync(TrialMessage message, string reason, CancellationToken cancellationToken) => PublishAsync(Dead, message.ToBytes(), reason, cancellationToken);

    /// <summary>Waits for one message. No other is held meanwhile, so that none waits behind a worker that is at work.</summary>
    public async Task<Delivered> TakeAsync(CancellationToken cancellationToken)
    {
        var channel = await ChannelAsync(cancellationToken);
        var come = new TaskCompletionSource<Delivered>(TaskCreationOptions.RunContinuationsAsynchronously);
        var consumer = new AsyncEventingBasicConsumer(channel);
        consumer.ReceivedAsync += (_, message) =>
        {
            come.TrySetResult(new Delivered(TrialMessage.Read(message.Body.Span), message.DeliveryTag, channel));
            return Task.CompletedTask;
        };
        Task Lost(object sender, ShutdownEventArgs e)
        {
            come.TrySetException(new IOException(e.ReplyText));
            return Task.CompletedTask;
        }
        consumer.ShutdownAsync += Lost;
        consumer.UnregisteredAsync += (_, _) => Task.FromResult(come.TrySetException(new IOException("The queue is gone.")));
        var tag = await channel.BasicConsumeAsync(Name, autoAck: false, consumer, cancellationToken);
        try
        {
            return await come.Task.WaitAsync(cancellationToken);
        }
        finally
        {
            // A message that came in the same moment stays unacknowledged, and goes back with the channel.
            if (channel.IsOpen)
            {
                await channel.BasicCancelAsync(tag, noWait: false, CancellationToken.None);
                if (cancellationToken.IsCancellationRequested && come.Task.IsCompletedSuccessfully) await (await come.Task).GiveBackAsync();
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_channel is not null) await _channel.DisposeAsync();
        if (_connection is not null) await _connection.DisposeAsync();
        _turn.Dispose();
        _publishing.Dispose();
    }

    private async Task PublishAsync(string queue, byte[] body, string? reason, CancellationToken cancellationToken)
    {
        var channel = await ChannelAsync(cancellationToken);
        var properties = new BasicProperties { Persistent = true, ContentType = "application/json" };
        if (reason is not null) properties.Headers = new Dictionary<string, object?> { ["comity-reason"] = reason };
        await _publishing.WaitAsync(cancellationToken); // a channel is published on by one at a time
        try
        {
            await channel.BasicPublishAsync("", queue, mandatory: true, properties, body, cancellationToken);
        }
        finally
        {
            _publishing.Release();
        }
    }

    private async Task<IChannel> ChannelAsync(CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken);
        try
        {
            if (_channel is { IsOpen: true } open) return open;
            if (_channel is not null) await _channel.DisposeAsync();
            if (_connection is not { IsOpen: true })
            {
                if (_connection is not null) await _connection.DisposeAsync();
                var factory = new ConnectionFactory
                {
                    Uri = address.Uri, RequestedHeartbeat = TimeSpan.FromSeconds(10), AutomaticRecoveryEnabled = false, TopologyRecoveryEnabled = false,
                    ClientProvidedName = string.Create(CultureInfo.InvariantCulture, $"comity on {Environment.MachineName}, process {Environment.ProcessId}"),
                };
                _connection = await factory.CreateConnectionAsync(cancellationToken);
            }
            var channel = await _connection.CreateChannelAsync(new CreateChannelOptions(publisherConfirmationsEnabled: true, publisherConfirmationTrackingEnabled: true), cancellationToken);
            await channel.QueueDeclareAsync(Dead, durable: true, exclusive: false, autoDelete: false, new Dictionary<string, object?> { ["x-queue-type"] = "quorum", ["x-max-length"] = 10_000 }, cancellationToken: cancellationToken);
            await channel.QueueDeclareAsync(Name, durable: true, exclusive: false, autoDelete: false, new Dictionary<string, object?>
            {
                ["x-queue-type"] = "quorum", ["x-delivery-limit"] = DeliveryLimit, ["x-dead-letter-exchange"] = "", ["x-dead-letter-routing-key"] = Dead,
            }, cancellationToken: cancellationToken);
            await channel.BasicQosAsync(0, 1, global: false, cancellationToken);
            return _channel = channel;
        }
        finally
        {
            _turn.Release();
        }
    }
}

/// <summary>A message that this process holds.</summary>
/// <param name="Message">What it says; null: it is none of ours.</param>
/// <param name="Tag">Its number on the channel.</param>
/// <param name="Channel">Where it came.</param>
internal sealed record Delivered(TrialMessage? Message, ulong Tag, IChannel Channel)
{
    /// <summary>It is done with.</summary>
    public ValueTask AcknowledgeAsync(CancellationToken cancellationToken) => Channel.BasicAckAsync(Tag, multiple: false, cancellationToken);

    /// <summary>It is nothing that anybody here can read: it goes to the dead letters.</summary>
    public ValueTask RejectAsync(CancellationToken cancellationToken) => Channel.BasicNackAsync(Tag, multiple: false, requeue: false, cancellationToken);

    /// <summary>Another may have it.</summary>
    public ValueTask GiveBackAsync() => Channel.BasicNackAsync(Tag, multiple: false, requeue: true, CancellationToken.None);
}
