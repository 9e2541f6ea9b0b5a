using System.Numerics.Tensors;
using Comity.Federation.Aggregation;
using Comity.Federation.Encodings;
using Comity.Federation.Masking;
using Comity.Federation.Privacy;
using Comity.Federation.Sites;
using Comity.Federation.Spool;
using Comity.Federation.Strategies;
using Comity.Privacy.Noise;
using Comity.Tensors.Parameters;

namespace Comity.Federation.Rounds;

/// <summary>A site in this process: drives the site's machine, its work, its memory and its gate for the rounds of one model.</summary>
internal sealed class InProcessChannel(ISiteWork work, ParameterLayout layout, SiteMemory memory, WorkSlots slots, SiteGate? protection = null, Action<RoundOffer, UpdateHeader>? leaves = null, SiteMasks? masks = null, Func<string, NoiseStream>? noise = null) : ISiteChannel
{
    private SiteState _state = SiteState.Idle;

    public string Site => work.Site;

    public async ValueTask<RoundReply> OfferAsync(RoundOffer offer, IUpdateSink sink, CancellationToken cancellationToken)
    {
        var (training, action) = SiteMachine.Step(_state, new SiteMessage.Offered(offer.Round, offer.LayoutDigest == layout.Digest));
        switch (action)
        {
            case SiteAction.Refuse refuse: return new RoundReply.Refused(refuse.Reason);
            case SiteAction.Send again: return new RoundReply.Delivered(again.Header); // the sink took it durably the first time
            case null: throw new InvalidOperationException($"Round {offer.Round} is being trained at '{Site}' already.");
        }
        if (offer.LastContribution < 0 || offer.LastContribution >= offer.Round) return new RoundReply.Refused(RefusalReason.WrongRound);
        if (offer.LastContribution > 0 && Remembers(offer) && !HoldsLast(offer)) return new RoundReply.Refused(RefusalReason.MemoryLost);
        // A slot is held until the update is spooled, so that no more updates wait in memory than there are slots.
        return await slots.RunAsync(() =>
        {
            sink.Progressed();
            return AnswerAsync(training, offer, sink, cancellationToken);
        }, 0, offer.Parameters.Length, cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask<MaskedReply> MaskAsync(MaskedStep step, CancellationToken cancellationToken) =>
        masks is null
            ? throw new NotSupportedException($"Site '{Site}' has no keys for masked rounds.")
            : await slots.RunAsync(() => System.Threading.Tasks.Task.FromResult(masks.Answer(step)), 0, 0, cancellationToken).ConfigureAwait(false);

    public async ValueTask<PersonalModel> PersonaliseAsync(RoundOffer finished, CancellationToken cancellationToken) =>
        await slots.RunAsync(() => OwnModelAsync(finished, cancellationToken), 2, finished.Parameters.Length, cancellationToken).ConfigureAwait(false);

    private async Task<PersonalModel> OwnModelAsync(RoundOffer finished, CancellationToken cancellationToken)
    {
        var common = finished.Parameters;
        if (finished.Personalise is FineTuneSection fineTune)
        {
            var result = await work.TrainAsync(Task(finished, PersonalId(finished), 0, common) with
            {
                Epochs = fineTune.Epochs,
                Proximal = (float)fineTune.Proximal,
                Anchor = fineTune.Proximal > 0 ? common : default,
            }, cancellationToken).ConfigureAwait(false);
            return new(result.Parameters, result.KeptSha256);
        }
        var kept = Remembers(finished) ? memory.After(finished.LastContribution, common.Length, n => new float[n]) : null;
        if (kept is null && finished.LastContribution > 0 && Remembers(finished)) throw new SiteMemoryLostException(Site, finished.Model);
        return new(finished.Personalise switch
        {
            DittoSection => kept is null ? common : kept[Own(finished)],
            FedBnSection => kept is null ? common : WithOwnNormalisation(common, kept[Own(finished)], new float[common.Length]),
            _ => common,
        });
    }

    // A method of its own, so that nothing holds its vectors any more when the slot is given back.
    private async Task<RoundReply> AnswerAsync(SiteState training, RoundOffer offer, IUpdateSink sink, CancellationToken cancellationToken)
    {
        var borrowed = new BorrowedVectors(slots);
        var (message, body) = MaskedAgain(offer) ?? await CoveredAsync(offer, borrowed, sink, cancellationToken).ConfigureAwait(false);
        var (answered, answer) = SiteMachine.Step(training, message);
        if (answer is SiteAction.Send send)
        {
            leaves?.Invoke(offer, send.Header);
            sink.Accept(send.Header, body);
        }
        _state = answered;
        borrowed.Return();
        return answer is SiteAction.Send sent ? new RoundReply.Delivered(sent.Header) : new RoundReply.Refused(((SiteAction.Refuse)answer!).Reason);
    }

    // A vector that this round's keys hid leaves as it was stored: the same keys must not hide another.
    private (SiteMessage.Trained Message, float[] Body)? MaskedAgain(RoundOffer offer)
    {
        if (offer.Masked is not { } masked || masks?.Again(masked) is not var (kept, body)) return null;
        return (new SiteMessage.Trained(kept ?? Header(offer, body, null), new GateVerdict(kept is null ? RefusalReason.AnswerLost : null, double.NaN)), body);
    }

    private async ValueTask<(SiteMessage.Trained Message, float[] Body)> CoveredAsync(RoundOffer offer, BorrowedVectors borrowed, IUpdateSink sink, CancellationToken cancellationToken)
    {
        var (message, body) = Again(offer) ?? await TrainAsync(offer, borrowed, sink, cancellationToken).ConfigureAwait(false);
        if (offer.Masked is not { } masked || !message.Gate.Passed) return (message, body);
        if (masks is null) return (message with { Gate = message.Gate with { Refusal = RefusalReason.KeysLost } }, body);
        var packed = borrowed.Take(masked.Floats);
        using var share = masked.Share is null ? null : noise?.Invoke(FormattableString.Invariant($"share/{offer.Model}/{offer.Repeat}/{offer.Round}"));
        var refusal = masks.Mask(masked, message.Header, body, packed, share, out var header);
        return refusal is null ? (new SiteMessage.Trained(header!, message.Gate), packed) : (message with { Gate = message.Gate with { Refusal = refusal } }, body);
    }

    // An answer that an earlier process charged leaves as it was stored: trained again it would be a second release.
    private (SiteMessage.Trained Message, float[] Body)? Again(RoundOffer offer)
    {
        if (offer.Private is null || protection?.Again(offer) is not { } again) return null;
        var header = again.Header ?? Header(offer, again.Body, null);
        return (new SiteMessage.Trained(header, new GateVerdict(again.Refusal, double.NaN)), again.Body);
    }

    private async ValueTask<(SiteMessage.Trained Message, float[] Body)> TrainAsync(RoundOffer offer, BorrowedVectors borrowed, IUpdateSink sink, CancellationToken cancellationToken)
    {
        var length = offer.Parameters.Length;
        if (offer.ModelEncoding is { } written)
        {
            var arrived = borrowed.Take(length);
            if (written.Round(offer.Parameters.Span, arrived) is { } lost) return (new SiteMessage.Trained(Header(offer, arrived, null), new GateVerdict(lost, double.NaN)), arrived);
            offer = offer with { Parameters = arrived };
        }
        var scaffold = !offer.ServerControl.IsEmpty;
        var body = borrowed.Take(scaffold ? 2 * length : length);
        var remembers = Remembers(offer);
        var kept = remembers ? memory.After(offer.LastContribution, length, borrowed.Take) : null;
        var start = offer.Personalise is FedBnSection && kept is not null ? WithOwnNormalisation(offer.Parameters, kept[Own(offer)], borrowed.Take(length)) : offer.Parameters;
        var control = scaffold ? kept?[0] ?? borrowed.TakeZeros(length) : null;

        // The second half of the body, which the variate's change will fill, carries the correction c − cᵢ until then. The first takes the
        // trained parameters and then their difference, unless the parameters themselves are to be remembered.
        if (scaffold) TensorPrimitives.Subtract(offer.ServerControl.Span, control, body.AsSpan(length));
        var task = Task(offer, offer.Model, offer.Round, start) with
        {
            Epochs = offer.Epochs,
            Proximal = offer.Proximal,
            GradientCorrection = body.AsMemory(length),
            Teacher = offer.Teacher?.Invoke() ?? default,
            Destination = offer.Personalise is FedBnSection ? borrowed.Take(length) : body.AsMemory(0, length),
            OptimizerState = offer.KeepsOptimizer && kept is not null ? [.. kept[Vectors(offer)..].Select(v => (ReadOnlyMemory<float>)v)] : [],
            KeepOptimizerState = offer.KeepsOptimizer ? n => borrowed.Take(n) : null,
            Private = offer.Private,
            Progress = p =>
            {
                sink.Progressed();
                offer.Progress?.Invoke(p);
            },
        };
        var result = await work.TrainAsync(task, cancellationToken).ConfigureAwait(false);

        if (!result.Parameters.Span.Overlaps(task.Destination.Span)) slots.Discarded(1, length); // a site that brings a vector of its own
        if (result.Parameters.Length != length) body = new float[result.Parameters.Length]; // for the gate to refuse
        if (result.Parameters.Length == length)
        {
            TensorPrimitives.Subtract(result.Parameters.Span, start.Span, body.AsSpan(0, length));
            if (offer.Personalise is FedBnSection) ClearNormalisation(body.AsSpan(0, length));
            if (scaffold) ControlChange(offer.ServerControl.Span, body.AsSpan(0, length), result.LearningRateSum, body.AsSpan(length));
        }
        // An encoded update is as long as what its bits stand for, and carries no control variate.
        var gate = offer.Encoding is null ? UpdateGate.Judge(body, length, scaffold ? 2 : 1, offer.MaxNorm) : UpdateGate.Judge(body, length, 1, null);
        float[]? left = null;
        if (gate.Passed && offer.Encoding is { } encoding) (body, gate, left) = Encode(encoding, body, encoding.HasFeedback ? kept?[0] : null, offer.MaxNorm, borrowed);
        var memories = gate.Passed && remembers ? await MemoriesAsync(offer, result, control, left, body, kept, borrowed, cancellationToken).ConfigureAwait(false) : null;
        bool? unclipped = null;
        if (gate.Passed && offer.Clip is { } clip)
        {
            unclipped = gate.Norm <= clip.Norm;
            if (unclipped == false) TensorPrimitives.Multiply(body, (float)(clip.Norm / gate.Norm * SiteClip.Margin), body);
        }
        var header = Header(offer, body, result) with { Unclipped = unclipped };
        if (memories is not null)
        {
            cancellationToken.ThrowIfCancellationRequested(); // a round that is over writes nothing: the next one may have begun
            memory.Keep(offer.Round, offer.LastContribution, header.Sha256, [.. memories]);
        }
        // Charged after it was remembered, so that there is a memory of all that was charged; a later round reads it only if it counted.
        if (gate.Passed && offer.Private is not null)
        {
            var refusal = result.StoppedBy == "diverged" ? RefusalReason.NotFinite : protection is null ? RefusalReason.Unprotected : protection.Pass(offer, header, body);
            gate = gate with { Refusal = refusal };
        }
        return (new SiteMessage.Trained(header, gate), body);
    }

    // Error feedback: x = Δ + e is encoded, C(x) is sent, e⁺ = x − C(x) waits for the next round (Karimireddy et al. 2019, Algorithm 2).
    private static (float[] Body, GateVerdict Gate, float[]? Left) Encode(VectorEncoding encoding, float[] update, float[]? left, double? maxNorm, BorrowedVectors borrowed)
    {
        if (left is not null) TensorPrimitives.Add<float>(update, left, update);
        var packed = borrowed.Take(encoding.PackedLength);
        if (left is not null && !double.IsFinite(UpdateGate.SumOfSquares(update))) return (packed, new GateVerdict(RefusalReason.NotFinite, double.NaN), null);
        if (encoding.Encode(update, packed) is { } refusal) return (packed, new GateVerdict(refusal, double.NaN), null);
        var gate = EncodedGate.Judge(encoding, packed, maxNorm);
        if (!gate.Passed || !encoding.HasFeedback) return (packed, gate, null);
        left ??= borrowed.Take(update.Length);
        encoding.Decode(packed, left);
        TensorPrimitives.Subtract<float>(update, left, left);
        return (packed, gate, left);
    }

    // Under privacy the losses stay at home: they are means over records that nobody has noised.
    private UpdateHeader Header(RoundOffer offer, float[] body, TrainingResult? result)
    {
        var header = Described(offer, body, result);
        if (!offer.DigestOfChunks || offer.Encoding is not null || offer.Private is not null || offer.Masked is not null) return header with { Sha256 = FloatFile.Sha256(body) };
        var chunks = ChunkedDigest.OfChunks(body);
        return header with { Sha256 = ChunkedDigest.Of(chunks), DigestOf = ChunkedDigest.Name, ChunkDigests = chunks };
    }

    private UpdateHeader Described(RoundOffer offer, float[] body, TrainingResult? result) => new()
    {
        Site = Site, Round = offer.Round, Length = body.Length, Encoding = offer.Encoding?.Name, Sha256 = "", Rows = result?.Rows ?? 0, Steps = result?.Steps ?? 0,
        LearningRateSum = result?.LearningRateSum ?? 0, NormalizedSteps = result?.NormalizedSteps ?? 0,
        Loss = offer.Private is null && result?.LossByEpoch.Count > 0 ? result.LossByEpoch[^1] : double.NaN,
        ValidationLoss = offer.Private is null && result?.ValidationLossByEpoch.Count > 0 ? result.ValidationLossByEpoch[^1] : double.NaN,
        Released = result?.Released,
    };

    // Under privacy the coordinator's word is not enough: what a round left in memory is a function of noised numbers that were paid for only if
    // this site's own ledger says so of the update that was made with it.
    private bool HoldsLast(RoundOffer offer) => offer.Private is null || protection is null
        ? memory.Holds(offer.LastContribution)
        : protection.Charged(offer with { Round = offer.LastContribution }) is { } charged && memory.Holds(offer.LastContribution, charged);

    private async ValueTask<List<ReadOnlyMemory<float>>> MemoriesAsync(RoundOffer offer, TrainingResult result, float[]? control, float[]? left, float[] body, float[][]? kept, BorrowedVectors borrowed, CancellationToken cancellationToken)
    {
        var memories = new List<ReadOnlyMemory<float>>();
        if (control is not null)
        {
            TensorPrimitives.Add<float>(control, body.AsSpan(control.Length), control);
            memories.Add(control);
        }
        if (left is not null) memories.Add(left);
        if (offer.Personalise is FedBnSection) memories.Add(result.Parameters);
        if (offer.Personalise is DittoSection ditto)
        {
            var personal = await work.TrainAsync(Task(offer, PersonalId(offer), offer.Round, kept?[Own(offer)] ?? offer.Parameters) with
            {
                Epochs = ditto.Epochs ?? offer.Epochs,
                Proximal = (float)ditto.Lambda,
                Anchor = offer.Parameters,
                Destination = borrowed.Take(offer.Parameters.Length),
            }, cancellationToken).ConfigureAwait(false);
            memories.Add(personal.Parameters);
        }
        if (offer.KeepsOptimizer) memories.AddRange(result.OptimizerState);
        return memories;
    }

    private TrainingTask Task(RoundOffer offer, string model, int round, ReadOnlyMemory<float> start) => new()
    {
        Repeat = offer.Repeat, Model = model, Round = round, Agreed = offer.Agreed, Parameters = start,
        EpochsBefore = offer.EpochsBefore, TrainingOverrides = offer.TrainingOverrides,
    };

    private string PersonalId(RoundOffer offer) => $"{offer.Model}+{Site}";

    private static bool Remembers(RoundOffer offer) => offer.KeepsOptimizer || Vectors(offer) > 0;

    // What is remembered: the control variate or what an encoding lost (never both), the site's own parameters, then what the optimiser left.
    private static int Vectors(RoundOffer offer) => Own(offer) + (offer.Personalise is DittoSection or FedBnSection ? 1 : 0);

    private static int Own(RoundOffer offer) => offer.ServerControl.IsEmpty && offer.Encoding is not { HasFeedback: true } ? 0 : 1;

    // Option II: cᵢ⁺ = cᵢ − c + (x − y)/(K·lr), hence Δcᵢ = −c − Δ/(K·lr) with Δ = y − x (Karimireddy et al. 2020, line 12).
    private void ControlChange(ReadOnlySpan<float> control, ReadOnlySpan<float> difference, double learningRateSum, Span<float> change)
    {
        change.Clear();
        if (!(learningRateSum > 0)) return; // no step was taken, so nothing was learnt about the gradient
        foreach (var segment in ParameterSegment.Of(layout))
        {
            // Running statistics have no gradient, hence no control variate.
            if (segment.Observed) continue;
            for (var i = segment.Offset; i < segment.Offset + segment.Length; i++) change[i] = (float)(-control[i] - (difference[i] / learningRateSum));
        }
    }

    private ReadOnlyMemory<float> WithOwnNormalisation(ReadOnlyMemory<float> common, float[] own, float[] mixed)
    {
        common.CopyTo(mixed);
        foreach (var entry in layout.Entries.Where(IsNormalisation)) own.AsSpan(entry.Offset, entry.Length).CopyTo(mixed.AsSpan(entry.Offset));
        return mixed;
    }

    private void ClearNormalisation(Span<float> difference)
    {
        foreach (var entry in layout.Entries.Where(IsNormalisation)) difference.Slice(entry.Offset, entry.Length).Clear();
    }

    private static bool IsNormalisation(ParameterEntry entry) => entry.Role is ParameterRole.BatchNorm or ParameterRole.BatchNormStatistic;
}
