using Comity.Federation.Masking;
using Comity.Federation.Rounds;

namespace Comity.Federation.Trials;

/// <summary>A round whose sites are trained in groups elsewhere. Towards the round they are lines to sites like any other: the same checks, the same spool, the same order of the sums.</summary>
/// <remarks>
/// <code>
/// sites asked ─► groups of neighbours ─► orders ─► any worker ─► product ─┬─ memory ─► the site's folder
///                                                                         └─ update ─► the round's spool, one body in memory at a time
/// </code>
/// </remarks>
internal sealed class DividedRound : IAsyncDisposable
{
    private readonly CancellationTokenSource _over;
    private readonly SemaphoreSlim _turn = new(1, 1);
    private readonly Dictionary<string, Group> _groups = new(StringComparer.Ordinal);
    private readonly IReadOnlyDictionary<string, SiteMemory> _memories;
    private readonly WorkSlots _slots;

    /// <summary>Has groups trained.</summary>
    /// <param name="orders">The groups.</param>
    /// <param name="train">Has one trained.</param>
    /// <param name="memories">What the sites remember, by site.</param>
    /// <param name="slots">Lends bodies.</param>
    /// <param name="cancellationToken">Stops all.</param>
    public DividedRound(IReadOnlyList<TrialOrder> orders, Func<TrialOrder, CancellationToken, Task<TrialHandover>> train, IReadOnlyDictionary<string, SiteMemory> memories, WorkSlots slots, CancellationToken cancellationToken)
    {
        (_memories, _slots) = (memories, slots);
        _over = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        foreach (var order in orders)
        {
            var asked = order.Group!;
            var group = new Group(Task.Run(async () => new GroupAnswers(await train(order, _over.Token).ConfigureAwait(false), asked), CancellationToken.None), asked.Sites.Count);
            foreach (var site in asked.Sites) _groups[site.Site] = group;
        }
        Channels = _groups.Keys.ToDictionary(site => site, ISiteChannel (site) => new Line(this, site), StringComparer.Ordinal);
    }

    /// <summary>Lines to the sites of the groups.</summary>
    public IReadOnlyDictionary<string, ISiteChannel> Channels { get; }

    public async ValueTask DisposeAsync()
    {
        await _over.CancelAsync().ConfigureAwait(false);
        foreach (var group in _groups.Values.Distinct())
        {
            await ((Task)group.Answers).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (group.Answers.IsCompletedSuccessfully) (await group.Answers.ConfigureAwait(false)).Dispose();
        }
        _over.Dispose();
        _turn.Dispose();
    }

    private async ValueTask<RoundReply> AnswerAsync(string site, RoundOffer offer, IUpdateSink sink, CancellationToken cancellationToken)
    {
        var group = _groups[site];
        var answers = await group.Answers.WaitAsync(cancellationToken).ConfigureAwait(false);
        await _turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            var reply = answers.Answer(site, offer, _memories[site], sink, _slots);
            if (--group.Left == 0) await answers.EndAsync(cancellationToken).ConfigureAwait(false);
            return reply;
        }
        finally
        {
            _turn.Release();
        }
    }

    private sealed class Group(Task<GroupAnswers> answers, int sites)
    {
        public Task<GroupAnswers> Answers { get; } = answers;

        public int Left { get; set; } = sites;
    }

    private sealed class Line(DividedRound round, string site) : ISiteChannel
    {
        public string Site => site;

        public ValueTask<RoundReply> OfferAsync(RoundOffer offer, IUpdateSink sink, CancellationToken cancellationToken) => round.AnswerAsync(site, offer, sink, cancellationToken);

        public ValueTask<PersonalModel> PersonaliseAsync(RoundOffer finished, CancellationToken cancellationToken) => throw new NotSupportedException("Sites make models of their own where the run is.");
    }
}
