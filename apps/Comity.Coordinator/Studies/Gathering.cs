using Comity.Federation.Rounds;
using Comity.Transport.Protocol;

namespace Comity.Coordinator.Studies;

/// <summary>Asks a study's sites to take part. Who is missing once the study may begin without is waited for beside it, and enters at the next round.</summary>
internal sealed class Gathering : IAsyncDisposable
{
    private readonly List<(NetworkSite Site, Task<JoinResult> Answer)> _asked;
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _over;
    private List<Task<IDisposable?>> _late = [];

    /// <summary>Asks the sites.</summary>
    /// <param name="sites">Those that have not said yes before.</param>
    /// <param name="work">What they are asked.</param>
    /// <param name="time">The clock.</param>
    /// <param name="answered">Told of each answer as it comes.</param>
    /// <param name="cancellationToken">The study is not driven any longer.</param>
    public Gathering(IEnumerable<NetworkSite> sites, JoinWork work, TimeProvider time, Action<string, JoinResult> answered, CancellationToken cancellationToken)
    {
        _time = time;
        _over = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        _asked = [.. sites.Select(site => (site, AskAsync(site)))];

        async Task<JoinResult> AskAsync(NetworkSite site)
        {
            var answer = await site.JoinAsync(work, _over.Token);
            answered(site.Site, answer);
            return answer;
        }
    }

    /// <summary>Waits until all have answered, or until the study may begin without the rest and nobody has come for so long.</summary>
    /// <param name="mayBeginWithout">Whether the study can begin without some sites.</param>
    /// <param name="patience">How long the others wait for one more.</param>
    /// <returns>Who answered what.</returns>
    /// <exception cref="SiteGoneException">A site that the study needs has left it.</exception>
    public async Task<Dictionary<string, JoinResult>> BeginAsync(Func<IReadOnlyCollection<string>, bool> mayBeginWithout, TimeSpan patience)
    {
        while (_asked.Where(a => !a.Answer.IsCompleted).ToList() is { Count: > 0 } open)
        {
            var next = Task.WhenAny(open.Select(a => a.Answer));
            if (mayBeginWithout([.. _asked.Where(a => !a.Answer.IsCompletedSuccessfully).Select(a => a.Site.Site)]))
            {
                using var heard = CancellationTokenSource.CreateLinkedTokenSource(_over.Token);
                var first = await Task.WhenAny(next, Task.Delay(patience, _time, heard.Token));
                await heard.CancelAsync();
                _over.Token.ThrowIfCancellationRequested();
                if (first != next) break;
            }
            await next;
        }
        var failed = _asked.Where(a => a.Answer.IsCompleted && !a.Answer.IsCompletedSuccessfully).ToList();
        var (gone, broken) = (failed.FindAll(f => f.Answer.Exception?.InnerException is SiteGoneException), failed.FindAll(f => f.Answer.Exception?.InnerException is not SiteGoneException));
        if (broken.Count > 0) await broken[0].Answer;
        if (gone.Count > 0 && !mayBeginWithout([.. gone.Select(g => g.Site.Site)])) await gone[0].Answer;
        return _asked.Where(a => a.Answer.IsCompletedSuccessfully).ToDictionary(a => a.Site.Site, a => a.Answer.Result, StringComparer.Ordinal);
    }

    /// <summary>Lets the rest enter as they come.</summary>
    /// <param name="begun">Who takes part already.</param>
    /// <param name="enter">Has a site take part; what it returns is disposed of at the end.</param>
    public void Follow(IReadOnlyCollection<string> begun, Func<NetworkSite, JoinResult, CancellationToken, Task<IDisposable>> enter)
    {
        _late = [.. _asked.Where(a => !begun.Contains(a.Site.Site)).Select(async late =>
        {
            // One that refuses, or has left, was told of as it answered; the study goes on without it.
            await ((Task)late.Answer).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            return late.Answer is { IsCompletedSuccessfully: true, Result.Refused.Count: 0 } ? await enter(late.Site, late.Answer.Result, _over.Token) : null;
        })];
    }

    /// <summary>From now on nobody enters.</summary>
    public void Close() => _over.Cancel();

    public async ValueTask DisposeAsync()
    {
        await _over.CancelAsync();
        await Task.WhenAll(_asked.Select(a => (Task)a.Answer)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await Task.WhenAll(_late.Select(l => (Task)l)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        foreach (var late in _late.Where(l => l.IsCompletedSuccessfully)) late.Result?.Dispose(); // one had no room until the end; the others give theirs back
        _over.Dispose();
    }
}
