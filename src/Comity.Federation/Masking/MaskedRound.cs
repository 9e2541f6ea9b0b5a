using System.Collections.Immutable;
using System.Runtime.InteropServices;
using Comity.Federation.AtRest;
using Comity.Federation.Privacy;
using Comity.Federation.Rounds;
using Comity.Federation.Spool;
using Comity.SecureAggregation.Protocol;
using Machine = Comity.SecureAggregation.Protocol.CoordinatorMachine;
using MaskState = Comity.SecureAggregation.Protocol.CoordinatorState;

namespace Comity.Federation.Masking;

/// <summary>Drives the coordinator's side of one masked round: asks step after step, spools masked vectors, gives up who is silent, takes the masks off the sum.</summary>
/// <remarks>
/// <code>
/// keys ─► shares ─► offer: train, mask ─► survivors [signed] ─► shares of the masks ─► sum
/// </code>
/// What a step begins with is kept before it is asked, so that a killed process asks the same again and sites say what they said. A site that falls
/// silent at any step has dropped; the round goes on while threshold and quorum are kept. A round that is given up before anything was unmasked is
/// begun again under another plan, with new keys; one in which shares were asked for goes on with the very same survivors.
/// </remarks>
internal sealed class MaskedRound(string run, IReadOnlyDictionary<string, ISiteChannel> channels, TimeProvider time, MaskedRoundFile file, Action<string>? beforeWrite)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, UpdateHeader> _headers = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _refused = new(StringComparer.Ordinal);
    private readonly HashSet<string> _silent = new(StringComparer.Ordinal);
    private MaskState _state = null!;
    private MaskedOffer _masked = null!;
    private RoundPlan _plan = null!;
    private Func<string, MaskedOffer, RoundOffer> _offerTo = null!;
    private UpdateSpool _spool = null!;

    /// <summary>How updates that arrive are kept.</summary>
    public required StateVault Vault { get; init; }

    /// <summary>Called with survivors and plan before they are asked to take the masks off; from then on only they can be in the sum.</summary>
    public Action<IReadOnlyList<string>, string>? Revealing { get; init; }

    /// <summary>Each site's share of noise; null: none.</summary>
    public NoiseShare? Share { get; init; }

    /// <summary>Floats that carry one masked vector.</summary>
    public int Floats => _masked.Floats;

    /// <summary>Runs the round to its end.</summary>
    /// <param name="plan">Who is asked.</param>
    /// <param name="maskedPlan">The plan of an attempt, from 1.</param>
    /// <param name="encoding">What an update holds; null: the vectors are no updates.</param>
    /// <param name="open">Takes the sum of so many sites in.</param>
    /// <param name="directory">Every site's public identity key by index.</param>
    /// <param name="offerTo">The offer for a site.</param>
    /// <param name="spool">Takes the masked vectors.</param>
    /// <param name="patience">How long a site may go without progress before it counts as absent; null: for ever.</param>
    /// <param name="cancellationToken">Stops the round; what is kept stays.</param>
    /// <returns>How it ended.</returns>
    public async Task<Rounds.CoordinatorState> RunAsync(
        RoundPlan plan, Func<int, SecureRoundPlan> maskedPlan, MaskedEncoding? encoding, Func<int, WordSink> open, Func<SecureRoundPlan, IReadOnlyDictionary<int, byte[]>> directory,
        Func<string, MaskedOffer, RoundOffer> offerTo, Func<bool, UpdateSpool> spool, TimeSpan? patience, CancellationToken cancellationToken)
    {
        var (attempt, kept) = file.Read();
        var secure = maskedPlan(attempt);
        (_plan, _offerTo, _masked) = (plan, offerTo, new MaskedOffer(secure, encoding) { Share = Share, Attempt = new MaskedAttempt(run, attempt, secure.Sites) });
        var resumed = kept is null ? null : MaskedRoundFile.Load(kept, secure, directory(secure));
        _state = resumed ?? Machine.Start(secure, directory(secure));
        // Vectors in the spool are of this attempt only if it stood already.
        using (_spool = spool(resumed is null))
        {
            while (true)
            {
                await StepAsync(patience, cancellationToken).ConfigureAwait(false);
                var turn = Machine.EndStep(_state);
                if (turn is CoordinatorTurn.Next && _state is CollectingInputs && Missing() is { } missing) return Ended(GiveUp(attempt, missing));
                switch (turn)
                {
                    case CoordinatorTurn.Next next:
                        if (_state is CollectingInputs) Revealing?.Invoke([.. _state.Answered.Select(i => secure.Sites[i])], _masked.Digest);
                        _state = next.State;
                        beforeWrite?.Invoke("mask-state");
                        file.Keep(attempt, _state);
                        break;
                    case CoordinatorTurn.Abandoned:
                        var few = new RoundOutcome.QuorumMissed(_state.Answered.Count, Math.Max(plan.Quorum, Math.Max(secure.Threshold, secure.RequiredSignatures)));
                        // Once survivors were asked, only these survivors may be summed: the attempt stands.
                        return Ended(_state is CollectingSignatures or CollectingReveals ? few : GiveUp(attempt, few));
                    case CoordinatorTurn.Revealed revealed:
                        var contributors = ((CollectingReveals)_state).Contributors;
                        if (Machine.Unmask(revealed.State, new Vectors(_spool, secure), open(contributors.Count)) is { } why) throw new MaskedSumException(why);
                        return Ended(new RoundOutcome.Aggregated([.. contributors.Select(i => secure.Sites[i])]));
                }
            }
        }
    }

    private RoundOutcome? Missing()
    {
        var there = _state.Answered.Select(i => _masked.Plan.Sites[i]).ToHashSet(StringComparer.Ordinal);
        var absent = _plan.Required.Where(s => !there.Contains(s)).ToList();
        return absent.Count > 0 ? new RoundOutcome.RequiredSiteMissing(absent)
            : there.Count < _plan.Quorum ? new RoundOutcome.QuorumMissed(there.Count, _plan.Quorum) : null;
    }

    private RoundOutcome GiveUp(int attempt, RoundOutcome outcome)
    {
        beforeWrite?.Invoke("mask-state");
        file.Keep(attempt + 1, null);
        return outcome;
    }

    private Rounds.CoordinatorState Ended(RoundOutcome outcome)
    {
        var received = outcome is RoundOutcome.Aggregated aggregated
            ? aggregated.Sites.ToImmutableDictionary(s => s, s => _headers[s], StringComparer.Ordinal)
            : _headers.ToImmutableDictionary(StringComparer.Ordinal);
        return new(_plan, received, _refused.Where(r => !received.ContainsKey(r.Key)).ToImmutableDictionary(StringComparer.Ordinal),
            [.. _plan.Cohort.Where(s => !received.ContainsKey(s) && !_refused.ContainsKey(s))], outcome);
    }

    // Asks every site that this step awaits, side by side; who refuses or lets its lease run out has dropped.
    private async Task StepAsync(TimeSpan? patience, CancellationToken cancellationToken)
    {
        var messages = Machine.MessagesOf(_state);
        var begin = _state is CollectingKeys;
        if (_state is CollectingInputs or CollectingSignatures or CollectingReveals) TakeSpooled();
        var asked = (begin ? Enumerable.Range(0, _masked.Plan.Sites.Count) : messages.Keys)
            .Where(i => _state is CollectingInputs || !_state.Answered.Contains(i)).Select(i => (Index: i, Site: _masked.Plan.Sites[i])).ToList();
        using var failed = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var leases = new Leases(asked.Select(a => a.Site), patience, time);

        async Task AskAsync(int index, string site)
        {
            var lease = leases[site];
            using var either = CancellationTokenSource.CreateLinkedTokenSource(lease, failed.Token);
            try
            {
                var step = new MaskedStep(_masked.Plan, begin ? null : messages[index]) { Within = _offerTo(site, _masked), Progressed = () => leases.Renew(site) };
                var reply = await channels[site].MaskAsync(step, either.Token).AsTask().WaitAsync(lease).ConfigureAwait(false);
                if (reply is MaskedReply.Refused refused) Refuse(site, refused.Reason);
                else if (((MaskedReply.Said)reply).Message is { } said) Receive(site, said);
                else if (_state is CollectingInputs at && !at.Answered.Contains(index)) await OfferAsync(site, index, leases, either.Token, lease).ConfigureAwait(false);
                leases.RenewAll();
            }
            catch (OperationCanceledException) when (lease.IsCancellationRequested && !failed.IsCancellationRequested)
            {
                lock (_gate) _silent.Add(site); // a late site has dropped
            }
            catch (SiteGoneException)
            {
                lock (_gate) _silent.Add(site);
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

        var asks = asked.Select(a => Task.Run(() => AskAsync(a.Index, a.Site), CancellationToken.None)).ToList();
        try
        {
            await Task.WhenAll(asks).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (asks.FirstOrDefault(t => t.IsFaulted) is { } broken)
        {
            await broken.ConfigureAwait(false); // the failure that cancelled the others, not their cancellation
        }
        cancellationToken.ThrowIfCancellationRequested();
    }

    private async Task OfferAsync(string site, int index, Leases leases, CancellationToken either, CancellationToken lease)
    {
        var offer = _offerTo(site, _masked);
        var reply = await channels[site].OfferAsync(offer, new Sink(this, index, () => leases.Renew(site)), either).AsTask().WaitAsync(lease).ConfigureAwait(false);
        if (reply is RoundReply.Refused refused) Refuse(site, refused.Reason);
    }

    private void Refuse(string site, string reason)
    {
        lock (_gate) _refused.TryAdd(site, reason);
    }

    private void Receive(string site, SecureAggregation.Protocol.SiteMessage message)
    {
        lock (_gate)
        {
            switch (Machine.Receive(_state, message))
            {
                case CoordinatorStep.Accepted accepted:
                    _state = accepted.State;
                    break;
                case CoordinatorStep.Refused refused:
                    _refused.TryAdd(site, MaskedReply.ReasonOf(refused.Why));
                    break;
            }
        }
    }

    private void TakeSpooled()
    {
        foreach (var header in _spool.Headers.Where(h => h.MaskedUnder == _masked.Digest))
        {
            _headers[header.Site] = header;
            if (_state is CollectingInputs at && Machine.ReceiveInput(at, IndexOf(header.Site), _masked.Plan.PackedBytes) is CoordinatorStep.Accepted accepted) _state = accepted.State;
        }
    }

    private int IndexOf(string site)
    {
        for (var i = 0; i < _masked.Plan.Sites.Count; i++)
        {
            if (_masked.Plan.Sites[i] == site) return i;
        }
        return -1;
    }

    // Whether an update may count, and where it does, that it is durable when this returns.
    private string? Take(UpdateHeader header, ReadOnlySpan<float> body, string? path, string sha256, int index)
    {
        lock (_gate)
        {
            if (header.Round != _plan.Round || header.MaskedUnder != _masked.Digest) return RefusalReason.WrongRound;
            if (header.Site != _masked.Plan.Sites[index]) return RefusalReason.NotInvited;
            if (_headers.TryGetValue(header.Site, out var earlier)) return earlier.Sha256 == sha256 ? null : RefusalReason.Conflicting;
            if (header.Length != _masked.Floats) return RefusalReason.WrongShape;
            if (header.Sha256 != sha256) return RefusalReason.WrongDigest;
            if (_plan.Private is { } asked && (header.Released is not { } released || !SiteGate.Keeps(released, asked[header.Site]))) return RefusalReason.Unprotected;
            if (_silent.Contains(header.Site) || Machine.ReceiveInput(_state, index, _masked.Plan.PackedBytes) is not CoordinatorStep.Accepted accepted) return RefusalReason.WrongRound;
            beforeWrite?.Invoke("spool");
            if (path is null) _spool.Append(header, body);
            else _spool.Adopt(header, path);
            (_state, _headers[header.Site]) = (accepted.State, header);
            return null;
        }
    }

    private sealed class Sink(MaskedRound round, int index, Action progressed) : IUpdateSink
    {
        public string? Accept(UpdateHeader header, ReadOnlySpan<float> body)
        {
            if (header.Length != body.Length) return RefusalReason.WrongShape;
            var refused = round.Take(header, body, null, FloatFile.Sha256(body), index);
            if (refused is not null) round.Refuse(header.Site, refused);
            return refused;
        }

        public string? AcceptFile(UpdateHeader header, string path)
        {
            using var bytes = new StateStream(round.Vault.Read(path), writable: false);
            var refused = bytes.Length != 4L * header.Length ? RefusalReason.WrongShape
                : round.Take(header, default, path, Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(bytes)), index);
            if (refused is not null) round.Refuse(header.Site, refused);
            File.Delete(path); // moved when it counts; else nobody wants it
            return refused;
        }

        public void Progressed() => progressed();
    }

    // Packed vectors lie in the spool as floats; stretches begin at whole ones.
    private sealed class Vectors(UpdateSpool spool, SecureRoundPlan plan) : IMaskedInputs
    {
        private readonly Dictionary<int, int> _places = [];
        private readonly IUpdateSet _set = spool.InOrder([.. spool.Headers.Select(h => h.Site)]);

        public void Read(int site, long offset, Span<byte> destination)
        {
            if (_places.Count == 0)
            {
                for (var i = 0; i < _set.Count; i++) _places[plan.Sites.ToList().IndexOf(_set.Header(i).Site)] = i;
            }
            var whole = destination.Length / sizeof(float);
            var at = (int)(offset / sizeof(float));
            _set.Read(_places[site], at, MemoryMarshal.Cast<byte, float>(destination[..(whole * sizeof(float))]));
            if (whole * sizeof(float) == destination.Length) return;
            Span<float> last = stackalloc float[1];
            _set.Read(_places[site], at + whole, last);
            MemoryMarshal.AsBytes(last)[..(destination.Length - (whole * sizeof(float)))].CopyTo(destination[(whole * sizeof(float))..]);
        }
    }
}

/// <summary>The masks of a round did not come off: the sum is thrown away.</summary>
internal sealed class MaskedSumException(SecureAggregation.Protocol.Refusal why) : Exception($"The sum can't be taken: {why.Code} {why.Site}.")
{
    public SecureAggregation.Protocol.Refusal Why { get; } = why;
}
