using Comity.Federation.Spool;

namespace Comity.Federation.Rounds;

/// <summary>Drives the coordinator's machine through one round: asks, spools, waits, gives up.</summary>
internal sealed class RoundRunner(IReadOnlyDictionary<string, ISiteChannel> channels, TimeProvider time, Action<string>? beforeWrite)
{
    /// <summary>Runs a round to its end.</summary>
    /// <param name="plan">Who is asked.</param>
    /// <param name="offerTo">The offer for a site.</param>
    /// <param name="spool">Takes the updates; those in it already count.</param>
    /// <param name="parts">Vectors of P floats in an update.</param>
    /// <param name="silence">How long nobody may answer before the rest counts as absent; null: for ever.</param>
    /// <param name="cancellationToken">Stops the round; what is spooled stays.</param>
    public async Task<CoordinatorState> RunAsync(
        RoundPlan plan, Func<string, RoundOffer> offerTo, UpdateSpool spool, int parts, TimeSpan? silence, CancellationToken cancellationToken)
    {
        using var deadline = silence is { } s ? new CancellationTokenSource(s, time) : new CancellationTokenSource();
        using var failed = new CancellationTokenSource();
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, failed.Token, cancellationToken);
        var (opened, actions) = CoordinatorMachine.Start(plan, spool.Headers);
        var round = new OpenRound(opened, spool, beforeWrite, () => { if (silence is { } again && !deadline.IsCancellationRequested) deadline.CancelAfter(again); });

        async Task AskAsync(string site)
        {
            try
            {
                var offer = offerTo(site);
                var sink = new Sink(round, offer.Parameters.Length, parts, offer.MaxNorm);
                // Waiting ends with the deadline even at a channel that does not listen to its token; a caller who leaves waits for the work to wind up.
                var reply = await channels[site].OfferAsync(offer, sink, either.Token).AsTask().WaitAsync(deadline.Token).ConfigureAwait(false);
                if (reply is RoundReply.Refused refused) round.Step(new CoordinatorMessage.SiteRefused(site, plan.Round, refused.Reason), default);
            }
            catch (OperationCanceledException) when (deadline.IsCancellationRequested && !cancellationToken.IsCancellationRequested && !failed.IsCancellationRequested)
            {
                // A late site counts as absent; the round decides what that means.
            }
            catch
            {
                failed.Cancel();
                throw;
            }
        }

        var asks = actions.OfType<CoordinatorAction.Offer>().Select(o => Task.Run(() => AskAsync(o.Site), CancellationToken.None)).ToList();
        try
        {
            await Task.WhenAll(asks).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (asks.FirstOrDefault(t => t.IsFaulted) is { } broken)
        {
            await broken.ConfigureAwait(false); // the failure that cancelled the others, not their cancellation
        }
        cancellationToken.ThrowIfCancellationRequested();
        round.Step(new CoordinatorMessage.DeadlinePassed(), default);
        return round.State;
    }

    private sealed class OpenRound(CoordinatorState state, UpdateSpool spool, Action<string>? beforeWrite, Action progressed)
    {
        private readonly Lock _step = new();

        public CoordinatorState State { get; private set; } = state;

        public void Step(CoordinatorMessage message, ReadOnlySpan<float> body)
        {
            lock (_step)
            {
                var (next, actions) = CoordinatorMachine.Step(State, message);
                foreach (var take in actions.OfType<CoordinatorAction.Take>())
                {
                    beforeWrite?.Invoke("spool");
                    spool.Append(take.Header, body); // durable before the machine's state says that it counts
                }
                State = next;
            }
            progressed();
        }
    }

    private sealed class Sink(OpenRound round, int parameters, int parts, double? maxNorm) : IUpdateSink
    {
        public void Accept(UpdateHeader header, ReadOnlySpan<float> body) =>
            round.Step(new CoordinatorMessage.UpdateArrived(header, UpdateGate.Judge(body, parameters, parts, maxNorm), FloatFile.Sha256(body)), body);
    }
}
