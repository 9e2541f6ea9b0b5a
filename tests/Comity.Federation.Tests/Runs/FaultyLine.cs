using Comity.Federation.Rounds;

namespace Comity.Federation.Tests.Runs;

/// <summary>A line that goes wrong in a given way; everything behind it is real.</summary>
/// <param name="inner">The line as it should be.</param>
/// <param name="when">Which offers it goes wrong with.</param>
/// <param name="fault">How.</param>
/// <param name="asked">Ends when a silent site has been asked.</param>
internal sealed class FaultyLine(ISiteChannel inner, Func<RoundOffer, bool> when, Fault fault, TaskCompletionSource? asked = null) : ISiteChannel
{
    public string Site => inner.Site;

    public async ValueTask<RoundReply> OfferAsync(RoundOffer offer, IUpdateSink sink, CancellationToken cancellationToken)
    {
        if (!when(offer)) return await inner.OfferAsync(offer, sink, cancellationToken);
        switch (fault)
        {
            case Fault.Silent:
                asked?.TrySetResult();
                await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, CancellationToken.None); // deaf, too
                throw new InvalidOperationException("unreachable");
            case Fault.Absent:
                return new RoundReply.Refused(RefusalReason.NotInvited); // and the site never heard of the round
            case Fault.Twice:
                await inner.OfferAsync(offer, new Doubled(sink), cancellationToken);
                return await inner.OfferAsync(offer, sink, cancellationToken);
            default:
                return await inner.OfferAsync(offer, new Damaged(sink, fault), cancellationToken);
        }
    }

    public ValueTask<PersonalModel> PersonaliseAsync(RoundOffer finished, CancellationToken cancellationToken) => inner.PersonaliseAsync(finished, cancellationToken);

    private sealed class Doubled(IUpdateSink sink) : IUpdateSink
    {
        public string? Accept(UpdateHeader header, ReadOnlySpan<float> body)
        {
            sink.Accept(header, body);
            return sink.Accept(header, body);
        }

        public string? AcceptFile(UpdateHeader header, string path) => sink.AcceptFile(header, path);

        public void Progressed() => sink.Progressed();
    }

    // A site whose own gate was tampered with: the coordinator must find it out by itself.
    private sealed class Damaged(IUpdateSink sink, Fault fault) : IUpdateSink
    {
        public string? AcceptFile(UpdateHeader header, string path) => sink.AcceptFile(header, path);

        public void Progressed() => sink.Progressed();

        public string? Accept(UpdateHeader header, ReadOnlySpan<float> body)
        {
            var bytes = body.ToArray();
            if (fault == Fault.NotFinite) bytes[0] = float.NaN;
            if (fault == Fault.Short) bytes = bytes[..^1];
            if (fault == Fault.Torn) bytes[0] += 1;
            if (fault == Fault.Replayed) header = header with { Round = header.Round - 1 };
            if (fault is not Fault.Torn) header = header with { Length = bytes.Length, Sha256 = Federation.Spool.FloatFile.Sha256(bytes) };
            return sink.Accept(header, bytes);
        }
    }
}

internal enum Fault
{
    Silent,
    Twice,
    NotFinite,
    Short,
    Torn,
    Replayed,
    Absent,
}
