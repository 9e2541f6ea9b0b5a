using Comity.Federation.AtRest;
using Comity.Federation.Encodings;
using Comity.Federation.Spool;

namespace Comity.Federation.Rounds;

/// <summary>Drives the coordinator's machine through one round: asks, spools, waits, gives up.</summary>
/// <remarks>
/// Each site holds a lease that begins anew when it makes progress, and when any site answers, as the others may have waited for its
/// place. Who has let it run out counts as absent; a slow site that gets on never does.
/// </remarks>
internal sealed class RoundRunner(IReadOnlyDictionary<string, ISiteChannel> channels, TimeProvider time, Action<string>? beforeWrite, StateVault? vault = null)
{
    /// <summary>Runs a round to its end.</summary>
    /// <param name="plan">Who is asked.</param>
    /// <param name="offerTo">The offer for a site.</param>
    /// <param name="spool">Takes the updates; those in it already count.</param>
    /// <param name="parts">Vectors of P floats in an update.</param>
    /// <param name="patience">How long a site may go without progress before it counts as absent; null: for ever.</param>
    /// <param name="cancellationToken">Stops the round; what is spooled stays.</param>
    public async Task<CoordinatorState> RunAsync(
        RoundPlan plan, Func<string, RoundOffer> offerTo, UpdateSpool spool, int parts, TimeSpan? patience, CancellationToken cancellationToken)
    {
        using var failed = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var (opened, actions) = CoordinatorMachine.Start(plan, spool.Headers);
        var offered = actions.OfType<CoordinatorAction.Offer>().Select(o => o.Site).ToList();
        using var leases = new Leases(offered, patience, time);
        var round = new OpenRound(opened, spool, beforeWrite, leases.RenewAll);

        async Task AskAsync(string site)
        {
            var lease = leases[site];
            using var either = CancellationTokenSource.CreateLinkedTokenSource(lease, failed.Token);
            try
            {
                var offer = offerTo(site);
                var sink = new Sink(round, vault ?? StateVault.Plain, offer.Parameters.Length, parts, offer.Encoding, offer.Clip?.Norm ?? offer.MaxNorm, () => leases.Renew(site));
                // Waiting ends with the lease even at a channel that does not listen to its token; a caller who leaves waits for the work to wind up.
                var reply = await channels[site].OfferAsync(offer, sink, either.Token).AsTask().WaitAsync(lease).ConfigureAwait(false);
                if (reply is RoundReply.Refused refused) round.Step(new CoordinatorMessage.SiteRefused(site, plan.Round, refused.Reason), default);
            }
            catch (OperationCanceledException) when (lease.IsCancellationRequested && !failed.IsCancellationRequested)
            {
                // A late site counts as absent; the round decides what that means.
            }
            catch (SiteGoneException)
            {
                round.Step(new CoordinatorMessage.SiteLost(site), default);
            }
            catch
            {
                failed.Cancel();
                throw;
            }
            finally
            {
                leases.End(site);
            }
        }

        var asks = offered.Select(site => Task.Run(() => AskAsync(site), CancellationToken.None)).ToList();
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

    private sealed class OpenRound(CoordinatorState state, UpdateSpool spool, Action<string>? beforeWrite, Action answered)
    {
        private readonly Lock _step = new();

        public CoordinatorState State { get; private set; } = state;

        /// <summary>One step; the body lies in memory or in a file. Null: nothing was refused.</summary>
        public string? Step(CoordinatorMessage message, ReadOnlySpan<float> body, string? file = null)
        {
            string? refused;
            lock (_step)
            {
                var (next, actions) = CoordinatorMachine.Step(State, message);
                foreach (var take in actions.OfType<CoordinatorAction.Take>())
                {
                    beforeWrite?.Invoke("spool");
                    // Durable before the machine's state says that it counts.
                    if (file is null) spool.Append(take.Header, body);
                    else spool.Adopt(take.Header, file);
                }
                State = next;
                refused = actions.OfType<CoordinatorAction.Reject>().FirstOrDefault()?.Reason;
            }
            answered();
            return refused;
        }
    }

    private sealed class Sink(OpenRound round, StateVault vault, int parameters, int parts, VectorEncoding? encoding, double? maxNorm, Action progressed) : IUpdateSink
    {
        public string? Accept(UpdateHeader header, ReadOnlySpan<float> body) =>
            round.Step(new CoordinatorMessage.UpdateArrived(header, AsDeclared(header) ?? Judge(body), header.DigestOf == ChunkedDigest.Name ? ChunkedDigest.Of(ChunkedDigest.OfChunks(body)) : FloatFile.Sha256(body)), body);

        public string? AcceptFile(UpdateHeader header, string path) => AcceptFile(header, path, null);

        public string? AcceptFile(UpdateHeader header, string path, string? chunkDigest)
        {
            var known = header.DigestOf == ChunkedDigest.Name ? chunkDigest : null;
            var (verdict, sha256) = encoding is null ? FileGate.Judge(vault, path, parameters, parts, maxNorm, header.DigestOf, known) : EncodedGate.Judge(encoding, vault, path, maxNorm);
            var refused = round.Step(new CoordinatorMessage.UpdateArrived(header, AsDeclared(header) ?? verdict, sha256), default, path);
            File.Delete(path); // moved when it counts; else nobody wants it
            return refused;
        }

        public void Progressed() => progressed();

        private GateVerdict Judge(ReadOnlySpan<float> body) => encoding is null ? UpdateGate.Judge(body, parameters, parts, maxNorm) : EncodedGate.Judge(encoding, body, maxNorm);

        // A digest of its chunks has what lies as it is; an encoded one is hashed whole while it is read.
        private GateVerdict? AsDeclared(UpdateHeader header) =>
            header.Encoding == encoding?.Name && (header.DigestOf is null || (encoding is null && BodyHash.Knows(header.DigestOf))) ? null : new(RefusalReason.WrongEncoding, double.NaN);
    }
}
