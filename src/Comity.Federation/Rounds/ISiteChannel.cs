namespace Comity.Federation.Rounds;

/// <summary>The coordinator's side of the line to one site. In one process it calls the site's machine; over the network it carries the same messages.</summary>
public interface ISiteChannel
{
    /// <summary>The site's id.</summary>
    string Site { get; }

    /// <summary>Offers a round. The update arrives in <paramref name="sink"/> before the reply.</summary>
    ValueTask<RoundReply> OfferAsync(RoundOffer offer, IUpdateSink sink, CancellationToken cancellationToken);

    /// <summary>The common model is finished: the site makes its own from it, where the offer says how. In a simulation the model comes back.</summary>
    ValueTask<ReadOnlyMemory<float>> PersonaliseAsync(RoundOffer finished, CancellationToken cancellationToken);
}

/// <summary>Takes an update in as it arrives; when it returns the update is durable.</summary>
public interface IUpdateSink
{
    /// <summary>Takes an update.</summary>
    void Accept(UpdateHeader header, ReadOnlySpan<float> body);
}
