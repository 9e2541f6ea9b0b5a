using System.Collections.Concurrent;
using Comity.Federation.Masking;
using Comity.Federation.Rounds;
using Comity.SecureAggregation.Protocol;

namespace Comity.Federation.Tests.Masking;

/// <summary>The steps of a masked round at which a site can fall silent.</summary>
public enum MaskStep
{
    Keys,
    Shares,
    Delivery,
    Update,
    Survivors,
    Signatures,
    Never,
}

/// <summary>A line that notes all that leaves its site in masked rounds, and can fall silent at a step.</summary>
internal sealed class MaskedLine(ISiteChannel inner, ConcurrentQueue<MaskedLine.Left> log, Func<string, int, MaskStep> silentAt) : ISiteChannel
{
    /// <summary>Something that left: of which sum (run, model or numbers, repeat), what it was, under which plan, and its content as text.</summary>
    public sealed record Left(string Site, string Of, int Round, string Plan, string What, string Content);

    /// <summary>Whether the round is an ordinary one, which the line may break all the same.</summary>
    public bool InTheClear { get; init; }

    public string Site => inner.Site;

    public async ValueTask<RoundReply> OfferAsync(RoundOffer offer, IUpdateSink sink, CancellationToken cancellationToken)
    {
        if (silentAt(Site, offer.Round) == MaskStep.Update) throw new SiteGoneException(Site);
        return await inner.OfferAsync(offer, InTheClear ? sink : new Sink(this, sink, Of(offer.Masked!.Plan)), cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask<MaskedReply> MaskAsync(MaskedStep step, CancellationToken cancellationToken)
    {
        var at = step.Message switch { null => MaskStep.Keys, KeyList => MaskStep.Shares, Delivery => MaskStep.Delivery, SurvivorList => MaskStep.Survivors, _ => MaskStep.Signatures };
        if (silentAt(Site, step.Plan.Round) == at) throw new SiteGoneException(Site);
        var reply = await inner.MaskAsync(step, cancellationToken).ConfigureAwait(false);
        if (reply is MaskedReply.Said { Message: { } said }) log.Enqueue(new(Site, Of(step.Plan), step.Plan.Round, Convert.ToHexStringLower(step.Plan.DigestBytes), said.GetType().Name, Text(said)));
        return reply;
    }

    public ValueTask<PersonalModel> PersonaliseAsync(RoundOffer finished, CancellationToken cancellationToken) => inner.PersonaliseAsync(finished, cancellationToken);

    // The attempt stands last.
    private static string Of(SecureRoundPlan plan) => plan.Study[..plan.Study.LastIndexOf('/')];

    private static string Text(SecureAggregation.Protocol.SiteMessage message) => message switch
    {
        KeyAdvert m => Convert.ToHexString(m.MaskKey) + Convert.ToHexString(m.EnvelopeKey) + Convert.ToHexString(m.Signature),
        SealedShares m => string.Join(',', m.Envelopes.Select(e => Convert.ToHexString(e.Value))),
        SurvivorSignature m => Convert.ToHexString(m.Signature),
        RevealedShares m => string.Join(',', m.SelfMaskShares.Select(s => $"b{s.Key}").Concat(m.MaskKeyShares.Select(s => $"s{s.Key}"))),
        _ => "",
    };

    private sealed class Sink(MaskedLine line, IUpdateSink to, string of) : IUpdateSink
    {
        public string? Accept(UpdateHeader header, ReadOnlySpan<float> body)
        {
            line.Note(header, of);
            return to.Accept(header, body);
        }

        public string? AcceptFile(UpdateHeader header, string path) => to.AcceptFile(header, path);

        public void Progressed() => to.Progressed();
    }

    private void Note(UpdateHeader header, string of)
    {
        // Beside the mask nothing is told of the site.
        Assert.Equal((0, 0, 0.0, 0.0, double.NaN, double.NaN), (header.Rows, header.Steps, header.LearningRateSum, header.NormalizedSteps, header.Loss, header.ValidationLoss));
        log.Enqueue(new(Site, of, header.Round, header.MaskedUnder!, "Update", header.Sha256));
    }
}
