using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text.Json;
using Comity.Declarations;
using Comity.Federation.Spool;
using Comity.Transport.Identity;
using Comity.Transport.Protocol;
using Comity.Transport.Signing;

namespace Comity.Transport.Clients;

/// <summary>Control messages over a connection: bounded in size and in time, errors as <see cref="WireException"/>.</summary>
/// <remarks>A lost connection shows as <see cref="HttpRequestException"/> or <see cref="IOException"/>, silence as <see cref="TimeoutException"/>.</remarks>
internal sealed class WireClient(HttpClient http, TimeProvider time)
{
    private static readonly MediaTypeHeaderValue Json = new("application/json");

    public HttpClient Http => http;

    public TimeProvider Time => time;

    public Task<TReply> PostAsync<TRequest, TReply>(string path, TRequest request, TimeSpan limit, CancellationToken cancellationToken)
    {
        var bytes = JsonSerializer.SerializeToUtf8Bytes(request, WireJson.Options);
        var message = Request(HttpMethod.Post, path);
        message.Content = new ByteArrayContent(bytes);
        message.Content.Headers.ContentType = Json;
        message.Options.Set(SigningHandler.KnownDigest, SHA256.HashData(bytes));
        return SendAsync<TReply>(message, limit, cancellationToken);
    }

    public Task<TReply> GetAsync<TReply>(string path, TimeSpan limit, CancellationToken cancellationToken) =>
        SendAsync<TReply>(Request(HttpMethod.Get, path), limit, cancellationToken);

    /// <summary>Sends bytes of a known digest, a part of a body of <paramref name="bodyBytes"/>, in a call whose answer holds nothing.</summary>
    public async Task PutAsync(string path, ReadOnlyMemory<byte> body, ReadOnlyMemory<byte> sha256, long bodyBytes, TimeSpan limit, CancellationToken cancellationToken)
    {
        using var silence = new SilenceLimit(limit, time, cancellationToken);
        using var request = Request(HttpMethod.Put, path, bodyBytes);
        request.Content = new PiecedContent(body, silence);
        request.Options.Set(SigningHandler.KnownDigest, sha256);
        using var response = await SendAsync(request, HttpCompletionOption.ResponseContentRead, limit, silence, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Opens a stream; the time is for the beginning of the answer only.</summary>
    public async Task<HttpResponseMessage> OpenAsync(string path, RangeHeaderValue? range, long? bodyBytes, TimeSpan limit, CancellationToken cancellationToken)
    {
        using var request = Request(HttpMethod.Get, path, bodyBytes);
        request.Headers.Range = range;
        return await SendAsync(request, HttpCompletionOption.ResponseHeadersRead, limit, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>A request that shares a connection of HTTP/2 with others, or, for a body of several chunks, has one of HTTP/1.1 for itself.</summary>
    /// <remarks>
    /// HTTP/2 cuts a body into frames of 16 KiB that the connection's own reader hands on, so that each byte is copied once more at either end. Calls of control
    /// are many, short and long awaited: they share a connection, whose pings find a line that has gone. A large body has a limit of silence for each chunk.
    /// </remarks>
    /// <param name="method">What it does.</param>
    /// <param name="path">With what.</param>
    /// <param name="bodyBytes">Length of the whole body that it carries a part of, either way, in bytes; null: unknown, or none.</param>
    public HttpRequestMessage Request(HttpMethod method, string path, long? bodyBytes = null) => new(method, path)
    {
        Version = bodyBytes > ChunkedDigest.ChunkBytes ? HttpVersion.Version11 : http.DefaultRequestVersion, VersionPolicy = http.DefaultVersionPolicy,
    };

    private async Task<TReply> SendAsync<TReply>(HttpRequestMessage request, TimeSpan limit, CancellationToken cancellationToken)
    {
        using (request)
        {
            using var response = await SendAsync(request, HttpCompletionOption.ResponseHeadersRead, limit, cancellationToken).ConfigureAwait(false);
            using var silence = new SilenceLimit(limit, time, cancellationToken);
            try
            {
                var bytes = await BoundedAsync(response.Content, silence.Token).ConfigureAwait(false);
                return JsonSerializer.Deserialize<TReply>(bytes.Span, WireJson.Options) ?? throw new HttpRequestException("The answer is null.");
            }
            catch (OperationCanceledException) when (silence.IsReached)
            {
                throw new TimeoutException($"The answer of {request.RequestUri} broke off for {limit.TotalSeconds:0} s.");
            }
            catch (JsonException e)
            {
                throw new HttpRequestException($"The answer of {request.RequestUri} is not a coordinator's: {e.Message}", e);
            }
        }
    }

    /// <summary>Sends what <see cref="Request"/> made; a refusal throws.</summary>
    public async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, HttpCompletionOption completion, TimeSpan limit, CancellationToken cancellationToken)
    {
        using var silence = new SilenceLimit(limit, time, cancellationToken);
        return await SendAsync(request, completion, limit, silence, cancellationToken).ConfigureAwait(false);
    }

    private async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, HttpCompletionOption completion, TimeSpan limit, SilenceLimit silence, CancellationToken cancellationToken)
    {
        HttpResponseMessage response;
        try
        {
            response = await http.SendAsync(request, completion, silence.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (silence.IsReached)
        {
            throw new TimeoutException($"{request.RequestUri} did not answer within {limit.TotalSeconds:0} s.");
        }
        if (response.IsSuccessStatusCode) return response;
        using (response) throw await RefusalAsync(response, cancellationToken).ConfigureAwait(false);
    }

    private static async Task<WireException> RefusalAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        try
        {
            var bytes = await BoundedAsync(response.Content, cancellationToken).ConfigureAwait(false);
            var (status, json) = (response.StatusCode, JsonDocument.Parse(bytes));
            using (json) return json.RootElement.TryGetProperty("title", out _) ? new(status, HostRefusal(json.RootElement)) : new(status, WireJson.Read<ToldProblem>(json.RootElement));
        }
        catch (Exception e) when (e is JsonException or HttpRequestException or IOException)
        {
            // Not a coordinator's words: a proxy's page, or nothing.
        }
        var place = Place.InFile(response.RequestMessage?.RequestUri?.GetLeftPart(UriPartial.Path) ?? "");
        return new(response.StatusCode, ToldProblem.Of(new Problem(Messages.Catalog, "http-status", place, (int)response.StatusCode, response.ReasonPhrase ?? "-")));
    }

    // The host judges the caller before a study's endpoint runs; its refusals (RFC 9457) come in the caller's language only.
    private static ToldProblem HostRefusal(JsonElement refusal)
    {
        string Text(string name) => refusal.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString()! : "-";
        ToldText Both(string name) => new(Text(name), Text(name));
        return new(Text("code"), "", Both("found"), Both("expected"), Both("remedy"));
    }

    // Nothing reads an unbounded anything, whatever the peer claims.
    private static async Task<ReadOnlyMemory<byte>> BoundedAsync(HttpContent content, CancellationToken cancellationToken)
    {
        using var stream = await content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
        var buffer = new MemoryStream((int)Math.Min(content.Headers.ContentLength ?? 4096, 1 << 20));
        var part = new byte[16 << 10];
        int read;
        while ((read = await stream.ReadAsync(part, cancellationToken).ConfigureAwait(false)) > 0)
        {
            if (buffer.Length + read > WireJson.LargestMessageBytes) throw new HttpRequestException($"The answer is larger than {WireJson.LargestMessageBytes} bytes.");
            buffer.Write(part, 0, read);
        }
        return buffer.GetBuffer().AsMemory(0, (int)buffer.Length);
    }
}
