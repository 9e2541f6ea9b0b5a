using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Comity.Transport.Clients;
using Comity.Transport.Protocol;

namespace Comity.Transport.Identity;

/// <summary>The calls about who somebody is. What the coordinator refuses is thrown as <see cref="WireException"/>.</summary>
/// <param name="http">From <see cref="CoordinatorHttp.Connect"/>; the caller disposes it.</param>
public sealed class IdentityClient(HttpClient http)
{
    private const int LargestAnswer = 64 * 1024;

    /// <summary>Has the coordinator prove itself. A connection without a key needs it to know the clock; nothing of the site is sent.</summary>
    public async Task<CoordinatorHello> HelloAsync(CancellationToken cancellationToken) =>
        await GetAsync<CoordinatorHello>($"/v1/hello?nonce={CoordinatorHello.NewNonce()}", cancellationToken);

    /// <summary>Asks to join.</summary>
    public Task<EnrolmentAnswer> EnrolAsync(EnrolmentRequest request, CancellationToken cancellationToken) =>
        SendAsync<EnrolmentAnswer>(HttpMethod.Post, "/v1/enrolments", JsonContent.Create(request), cancellationToken);

    /// <summary>What came of asking.</summary>
    public Task<EnrolmentAnswer> EnrolmentAsync(KeyFingerprint fingerprint, CancellationToken cancellationToken) =>
        GetAsync<EnrolmentAnswer>($"/v1/enrolments/{fingerprint.Plain}", cancellationToken);

    /// <summary>Who the coordinator takes the caller for.</summary>
    public Task<CallerInfo> MeAsync(CancellationToken cancellationToken) => GetAsync<CallerInfo>("/v1/me", cancellationToken);

    /// <summary>A fresh certificate for the same key.</summary>
    public Task<EnrolmentAnswer> RenewAsync(CancellationToken cancellationToken) => SendAsync<EnrolmentAnswer>(HttpMethod.Post, "/v1/me/certificate", null, cancellationToken);

    /// <summary>Sends bytes that are thrown away.</summary>
    public async Task SendProbeAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        using var response = await http.PostAsync(new Uri("/v1/bandwidth", UriKind.Relative), new ReadOnlyMemoryContent(bytes), cancellationToken);
        await ThrowIfRefusedAsync(response, cancellationToken);
    }

    /// <summary>Receives so many random bytes, and throws them away.</summary>
    public async Task ReceiveProbeAsync(int bytes, CancellationToken cancellationToken)
    {
        using var response = await http.GetAsync(new Uri($"/v1/bandwidth?bytes={bytes}", UriKind.Relative), HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        await ThrowIfRefusedAsync(response, cancellationToken);
        await using var body = await response.Content.ReadAsStreamAsync(cancellationToken);
        await body.CopyToAsync(Stream.Null, cancellationToken);
    }

    /// <summary>Throws where the coordinator said no.</summary>
    /// <exception cref="WireException">It did, and says why.</exception>
    /// <exception cref="HttpRequestException">Something that is no coordinator answered.</exception>
    public static async Task ThrowIfRefusedAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(response);
        if (response.IsSuccessStatusCode) return;
        try
        {
            await response.Content.LoadIntoBufferAsync(LargestAnswer, cancellationToken).ConfigureAwait(false);
            if (await response.Content.ReadFromJsonAsync<ToldProblem>(WireJson.Options, cancellationToken).ConfigureAwait(false) is { } told) throw new WireException(response.StatusCode, told);
        }
        catch (JsonException)
        {
            // Not a coordinator's words: a proxy's page, or nothing.
        }
        throw new HttpRequestException($"{response.RequestMessage?.RequestUri} answered {(int)response.StatusCode} {response.ReasonPhrase}.", null, response.StatusCode);
    }

    private Task<T> GetAsync<T>(string target, CancellationToken cancellationToken) => SendAsync<T>(HttpMethod.Get, target, null, cancellationToken);

    private async Task<T> SendAsync<T>(HttpMethod method, string target, HttpContent? content, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(method, target) { Content = content, Version = http.DefaultRequestVersion, VersionPolicy = http.DefaultVersionPolicy };
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("application/json"));
        using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        await ThrowIfRefusedAsync(response, cancellationToken);
        await response.Content.LoadIntoBufferAsync(LargestAnswer, cancellationToken);
        try
        {
            return await response.Content.ReadFromJsonAsync<T>(cancellationToken) ?? throw new HttpRequestException($"{target} was answered with nothing.");
        }
        catch (JsonException e)
        {
            throw new HttpRequestException($"{target} was not answered as a coordinator does: {e.Message}", e);
        }
    }
}
