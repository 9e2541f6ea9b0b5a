using Comity.Federation.Masking;

namespace Comity.Federation.Rounds;

/// <summary>The coordinator's side of the line to one site. In one process it calls the site's machine; over the network it carries the same messages.</summary>
public interface ISiteChannel
{
    /// <summary>The site's id.</summary>
    string Site { get; }

    /// <summary>Offers a round. The update arrives in <paramref name="sink"/> before the reply.</summary>
    ValueTask<RoundReply> OfferAsync(RoundOffer offer, IUpdateSink sink, CancellationToken cancellationToken);

    /// <summary>One step of a masked round: keys, shares, survivors. The masked update itself answers an offer.</summary>
    /// <exception cref="NotSupportedException">The line does not carry masked rounds.</exception>
    ValueTask<MaskedReply> MaskAsync(MaskedStep step, CancellationToken cancellationToken) =>
        throw new NotSupportedException($"The line to '{Site}' carries no masked rounds.");

    /// <summary>The common model is finished: the site makes its own from it, where the offer says how. In a simulation the model comes back; otherwise it stays at the site.</summary>
    ValueTask<PersonalModel> PersonaliseAsync(RoundOffer finished, CancellationToken cancellationToken);
}

/// <summary>A site's own version of a common model.</summary>
/// <param name="Parameters">Shape [P]; empty: it stays at the site.</param>
/// <param name="KeptSha256">SHA-256 (hex) of the parameters that stay at the site; null: they came along.</param>
public readonly record struct PersonalModel(ReadOnlyMemory<float> Parameters, string? KeptSha256 = null);

/// <summary>Takes an update in as it arrives; when it returns the update is durable.</summary>
public interface IUpdateSink
{
    /// <summary>Takes an update.</summary>
    /// <returns>Null when it counts; else a code of <see cref="RefusalReason"/>.</returns>
    string? Accept(UpdateHeader header, ReadOnlySpan<float> body);

    /// <summary>Takes an update that lies in a file of little-endian floats. The file is taken over: moved or deleted.</summary>
    /// <returns>Null when it counts; else a code of <see cref="RefusalReason"/>.</returns>
    string? AcceptFile(UpdateHeader header, string path);

    /// <summary>Takes an update that lies in a file, each chunk of which was checked when it arrived.</summary>
    /// <param name="header">What the site says of it.</param>
    /// <param name="path">The file; it is taken over.</param>
    /// <param name="chunkDigest">The digest (hex) of the digests of its chunks, each of <see cref="Spool.ChunkedDigest.ChunkBytes"/>; null: nobody has checked them.</param>
    /// <returns>Null when it counts; else a code of <see cref="RefusalReason"/>.</returns>
    string? AcceptFile(UpdateHeader header, string path, string? chunkDigest) => AcceptFile(header, path);

    /// <summary>The site has got further with its work: its lease begins anew.</summary>
    void Progressed();
}

/// <summary>A site no longer has what it remembered from its rounds, so its own model can't be made.</summary>
public sealed class SiteMemoryLostException(string site, string model) : Exception($"Site '{site}' has lost what it remembered of '{model}'.")
{
    /// <summary>The site's id.</summary>
    public string Site { get; } = site;
}

/// <summary>A line to a site is gone for good (revoked, withdrawn): the round goes on without it.</summary>
public sealed class SiteGoneException(string site) : Exception($"Site '{site}' is gone.")
{
    /// <summary>The site's id.</summary>
    public string Site { get; } = site;
}
