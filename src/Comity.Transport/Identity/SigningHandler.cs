using System.Net;
using System.Net.Http.Json;
using System.Security.Cryptography;
using Comity.Transport.Signing;

namespace Comity.Transport.Identity;

/// <summary>Signs each call, and has the coordinator prove itself before the first one where TLS does not.</summary>
internal sealed class SigningHandler(CoordinatorConnection connection, TimeProvider time) : DelegatingHandler
{
    internal const string EpochHeader = "Comity-Epoch";
    /// <summary>SHA-256 of the body, where the caller knows it and the content can be sent more than once: then nothing is buffered or hashed here.</summary>
    internal static readonly HttpRequestOptionsKey<ReadOnlyMemory<byte>> KnownDigest = new("comity-sha256");

    private const int MostTries = 3;
    private readonly SemaphoreSlim _greeting = new(1);
    private readonly string? _keyId = connection.SigningKey is { } key ? KeyFingerprint.Of(key).Plain : null;
    private volatile string? _epoch;
    private long _sequence;

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var proofNeeded = connection is { ThroughProxy: true, Authority: not null };
        if (_epoch is null && (proofNeeded || _keyId is not null)) await GreetAsync(cancellationToken);
        if (_keyId is null) return await PassOnAsync(request, cancellationToken);

        var digest = await DigestAsync(request, cancellationToken);
        for (var tries = 1; ; tries++)
        {
            Sign(request, digest.Span);
            var response = await PassOnAsync(request, cancellationToken);
            // The coordinator was started again, or another process of this site took the same number: the call had no effect.
            if (response.StatusCode != HttpStatusCode.Unauthorized || tries == MostTries || !response.Headers.TryGetValues(EpochHeader, out var epoch)) return response;
            _epoch = epoch.First();
            response.Dispose();
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing) _greeting.Dispose();
        base.Dispose(disposing);
    }

    // A connection that can't be made in time shows as a cancellation that nobody asked for; to callers it is a line that is down.
    private async Task<HttpResponseMessage> PassOnAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        try
        {
            return await base.SendAsync(request, cancellationToken);
        }
        catch (OperationCanceledException e) when (e.InnerException is TimeoutException late && !cancellationToken.IsCancellationRequested)
        {
            throw new HttpRequestException(HttpRequestError.ConnectionError, $"{connection.Address}: {late.Message}", e);
        }
    }

    private async Task GreetAsync(CancellationToken cancellationToken)
    {
        await _greeting.WaitAsync(cancellationToken);
        try
        {
            if (_epoch is not null) return;
            var nonce = CoordinatorHello.NewNonce();
            using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(connection.Address, $"/v1/hello?nonce={nonce}")) { Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionOrLower };
            using var response = await PassOnAsync(request, cancellationToken);
            response.EnsureSuccessStatusCode();
            var hello = await response.Content.ReadFromJsonAsync<CoordinatorHello>(cancellationToken)
                ?? throw new HttpRequestException($"{connection.Address} did not answer as a coordinator does.");
            if (connection.Authority is { } authority && !hello.Proves(authority, nonce))
                throw new UntrustedCoordinatorException(connection.Address, CertificateVerdict.Foreign, "-");
            _epoch = hello.Epoch;
        }
        finally
        {
            _greeting.Release();
        }
    }

    private void Sign(HttpRequestMessage request, ReadOnlySpan<byte> digest)
    {
        var signature = new RequestSignature(_keyId!, time.GetUtcNow(), _epoch!, NextSequence());
        var headers = request.Headers;
        foreach (var name in new[] { RequestSignature.DigestHeader, RequestSignature.InputHeader, RequestSignature.SignatureHeader }) headers.Remove(name);
        headers.TryAddWithoutValidation(RequestSignature.DigestHeader, RequestSignature.DigestValue(digest));
        headers.TryAddWithoutValidation(RequestSignature.InputHeader, signature.Input);
        headers.TryAddWithoutValidation(RequestSignature.SignatureHeader, signature.Sign(request.Method.Method, request.RequestUri!.PathAndQuery, digest, connection.SigningKey!));
    }

    private static async Task<ReadOnlyMemory<byte>> DigestAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        if (request.Content is null) return SHA256.HashData([]);
        if (request.Options.TryGetValue(KnownDigest, out var known)) return known;
        await request.Content.LoadIntoBufferAsync(cancellationToken); // it may be sent twice
        var body = await request.Content.ReadAsStreamAsync(cancellationToken); // the content's own, over its buffer: not ours to dispose
        body.Position = 0;
        return await SHA256.HashDataAsync(body, cancellationToken);
    }

    /// <summary>Microseconds of the clock, or one more than the last: two processes of a site, or one started again, take other numbers.</summary>
    private long NextSequence()
    {
        while (true)
        {
            var last = Interlocked.Read(ref _sequence);
            var next = Math.Max(last + 1, time.GetUtcNow().UtcTicks / TimeSpan.TicksPerMicrosecond);
            if (Interlocked.CompareExchange(ref _sequence, next, last) == last) return next;
        }
    }
}
