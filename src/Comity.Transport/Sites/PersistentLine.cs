using Comity.Transport.Clients;

namespace Comity.Transport.Sites;

/// <summary>A line that is tried again for as long as what went wrong may pass, and tells the people here when it is lost and when it is back.</summary>
internal sealed class PersistentLine(TimeProvider time, IProgress<SiteAgentEvent>? events)
{
    private volatile bool _connected;

    /// <summary>Makes a call until it succeeds.</summary>
    /// <param name="call">The call.</param>
    /// <param name="passes">Which failures may pass.</param>
    /// <param name="cancellationToken">Ends the trying.</param>
    public async Task<T> CallAsync<T>(Func<CancellationToken, Task<T>> call, Func<Exception, bool> passes, CancellationToken cancellationToken)
    {
        for (var tries = 1; ; tries++)
        {
            try
            {
                var result = await call(cancellationToken).ConfigureAwait(false);
                if (!_connected) events?.Report(new SiteAgentEvent.Connected());
                _connected = true;
                return result;
            }
            catch (Exception e) when (passes(e) && !cancellationToken.IsCancellationRequested)
            {
                if (_connected || tries == 1) events?.Report(new SiteAgentEvent.Disconnected(e.Message));
                _connected = false;
                await Task.Delay(Transient.Pause(tries), time, cancellationToken).ConfigureAwait(false);
            }
        }
    }
}
