namespace Comity.Transport.Clients;

/// <summary>Ends a call on a line that has moved nothing for a while, however long the whole call takes.</summary>
internal sealed class SilenceLimit : IDisposable
{
    private readonly TimeSpan _limit;
    private readonly CancellationToken _caller;
    private readonly CancellationTokenSource _silent;
    private readonly CancellationTokenSource _either;

    /// <summary>Begins to listen.</summary>
    /// <param name="limit">How long nothing may move.</param>
    /// <param name="time">The clock.</param>
    /// <param name="caller">Ends the call, too.</param>
    public SilenceLimit(TimeSpan limit, TimeProvider time, CancellationToken caller)
    {
        (_limit, _caller, _silent) = (limit, caller, new(limit, time));
        _either = CancellationTokenSource.CreateLinkedTokenSource(_silent.Token, caller);
    }

    /// <summary>Cancelled by silence or by the caller.</summary>
    public CancellationToken Token => _either.Token;

    /// <summary>Whether silence has ended the call, and not the caller.</summary>
    public bool IsReached => _silent.IsCancellationRequested && !_caller.IsCancellationRequested;

    /// <summary>Something moved: the time begins anew.</summary>
    /// <param name="more">What the next sign may take beyond the limit.</param>
    public void Heard(TimeSpan more = default)
    {
        try
        {
            _silent.CancelAfter(_limit + more);
        }
        catch (ObjectDisposedException)
        {
            // The call was answered before all of it was sent.
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _either.Dispose();
        _silent.Dispose();
    }
}
