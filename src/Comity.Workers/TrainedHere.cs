using Comity.Federation.Trials;

namespace Comity.Workers;

/// <summary>The run's own machine as the last resort: it trains, one after another, orders that no worker takes.</summary>
internal sealed class TrainedHere(DispatchOptions options) : IDisposable
{
    private readonly SemaphoreSlim _turn = new(1, 1);

    /// <summary>Whether an order may be trained here at all.</summary>
    public bool IsAsked(TrialOrder order) => order.Patience is not null && options.TrainHere is not null;

    /// <summary>Takes the turn, if nothing is being trained here.</summary>
    public bool TakesTurn() => _turn.Wait(TimeSpan.Zero);

    /// <summary>Gives the turn back.</summary>
    public void EndTurn() => _turn.Release();

    /// <summary>Trains an order through the same code as a worker.</summary>
    /// <param name="order">The order; its files lie here.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <param name="turn">Whether the caller has taken the turn.</param>
    public async Task<TrialHandover> TrainAsync(TrialOrder order, CancellationToken cancellationToken, bool turn = false)
    {
        if (!turn) await _turn.WaitAsync(cancellationToken);
        var folder = options.FolderOf(order);
        var scratch = folder + ".here";
        try
        {
            Empty(folder);
            Empty(scratch);
            order.Begun?.Invoke();
            await options.TrainHere!(order, options.SlotsHere, scratch, folder, cancellationToken);
        }
        finally
        {
            Empty(scratch);
            EndTurn();
        }
        return new TrialHandover(folder, _ => Task.CompletedTask);
    }

    public void Dispose() => _turn.Dispose();

    private static void Empty(string folder)
    {
        if (Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
    }
}
