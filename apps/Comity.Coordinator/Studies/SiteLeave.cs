namespace Comity.Coordinator.Studies;

/// <summary>Whether a site has left a study for good. Who waits for it hears at once.</summary>
internal sealed class SiteLeave
{
    private readonly CancellationTokenSource _left = new();

    public bool HasLeft => _left.IsCancellationRequested;

    public CancellationToken Token => _left.Token;

    public void Leave() => _left.Cancel();
}
