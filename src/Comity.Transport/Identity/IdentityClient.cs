using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text.Json;
using Comity.Transport.Clients;
using Comity.Transport.Protocol;

namespace Comity.Transport.Identity;

/// <summary>The calls about who somebody is. What the coordinator refuses is thrown as <see cref="WireException"/>.</summary>
/// <param name="http">From <see cref="CoordinatorHttp.Connect"/>; the caller disposes it.</param>
/// <param name="time">The clock of <see cref="Limit"/>; null: the system's.</param>
public sealed class IdentityClient(HttpClient http, TimeProvider? time = null)
{
    private const int LargestAnswer = 64 * 1024;

    /// <summary>How long a line may move nothing before a call is given up; 60 s. Whoever ends TLS may hold a connection open and say nothing on it.</summary>
    public TimeSpan Limit { get; init; } = TimeSpan.FromSeconds(60);

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
    public Task SendProbeAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken) => LimitedAsync("/v1/bandwidth", async silence =>
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/bandwidth") { Content = new PiecedContent(bytes, silence), Version = http.DefaultRequestVersion, VersionPolicy = http.DefaultVersionPolicy };
        request.Options.Set(SigningHandler.KnownDigest, SHA256.HashData(bytes.Span));
        using var response = await http.SendAsync(request, silence.Token);
        await ThrowIfRefusedAsync(response, silence.Token);
        return true;
    }, cancellationToken);

    /// <summary>Receives so many random bytes, and throws them away.</summary>
    public Task ReceiveProbeAsync(int bytes, CancellationToken cancellationToken) => LimitedAsync("/v1/bandwidth", async silence =>
    {
        using var response = await http.GetAsync(new Uri($"/v1/bandwidth?bytes={bytes}", UriKind.Relative), HttpCompletionOption.ResponseHeadersRead, silence.Token);
        await ThrowIfRefusedAsync(response, silence.Token);
        await using var body = await response.Content.ReadAsStreamAsync(silence.Token);
        var part = new byte[16 << 10];
        while (await body.ReadAsync(part, silence.Token) > 0) silence.Heard();
        return true;
    }, cancellationToken);

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
        return await LimitedAsync(target, async silence =>
        {
            using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, silence.Token);
            await ThrowIfRefusedAsync(response, silence.Token);
            await response.Content.LoadIntoBufferAsync(LargestAnswer, silence.Token);
            try
            {
                return await response.Content.ReadFromJsonAsync<T>(silence.Token) ?? throw new HttpRequestException($"{target} was answered with nothing.");
            }
            catch (JsonException e)
            {
                throw new HttpRequestException($"{target} was not answered as a coordinator does: {e.Message}", e);
            }
        }, cancellationToken);
    }

    private async Task<T> LimitedAsync<T>(string target, Func<SilenceLimit, Task<T>> call, CancellationToken cancellationToken)
    {
        using var silence = new SilenceLimit(Limit, time ?? TimeProvider.System, cancellationToken);
        try
        {
            return await call(silence);
        }
        catch (OperationCanceledException) when (silence.IsReached)
        {
            throw new TimeoutException($"{target} did not answer within {Limit.TotalSeconds:0} s.");
        }
    }
}
