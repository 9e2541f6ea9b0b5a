using System.Runtime.InteropServices;
using Comity.Federation.Rounds;
using Comity.Federation.Sites;
using Comity.Federation.Spool;
using Comity.SecureAggregation.Protocol;

namespace Comity.Federation.Masking;

/// <summary>A site's side of one masked sum of numbers: what it counted leaves under the keys of that sum, once.</summary>
/// <param name="site">The site.</param>
/// <param name="masks">Its keys and shares.</param>
/// <param name="numbers">What it counted, as its gate lets it out; called once the keys stand.</param>
/// <param name="form">How numbers become words.</param>
/// <param name="leaves">Told of what is about to leave.</param>
internal sealed class NumbersLine(string site, SiteMasks masks, Func<CancellationToken, ValueTask<Statistics>> numbers, MaskedNumbers form, Action<UpdateHeader>? leaves) : ISiteChannel
{
    public string Site => site;

    public async ValueTask<RoundReply> OfferAsync(RoundOffer offer, IUpdateSink sink, CancellationToken cancellationToken)
    {
        if (offer.Masked is not { } masked) return new RoundReply.Refused(RefusalReason.Unprotected);
        if (masks.Again(masked) is not var (header, body))
        {
            if (form.Encode(await numbers(cancellationToken).ConfigureAwait(false)) is not { } words) return new RoundReply.Refused(RefusalReason.RangeExceeded);
            body = new float[masked.Floats];
            header = masks.Mask(masked, site, offer.Round, MaskedNumbers.Source(words), body);
            if (header is null) return new RoundReply.Refused(RefusalReason.KeysLost);
        }
        if (header is null) return new RoundReply.Refused(RefusalReason.AnswerLost);
        leaves?.Invoke(header);
        return sink.Accept(header, body) is { } refusal ? new RoundReply.Refused(refusal) : new RoundReply.Delivered(header);
    }

    public ValueTask<MaskedReply> MaskAsync(MaskedStep step, CancellationToken cancellationToken) => new(masks.Answer(step));

    public ValueTask<PersonalModel> PersonaliseAsync(RoundOffer finished, CancellationToken cancellationToken) =>
        throw new NotSupportedException("A sum of numbers has no model.");
}
