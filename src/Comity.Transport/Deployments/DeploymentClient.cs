using System.Globalization;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text.Json;
using Comity.Transport.Clients;
using Comity.Transport.Protocol;

namespace Comity.Transport.Deployments;

/// <summary>Orders, releases and reports over a connection: what a person hands in, and what a serving node comes for.</summary>
/// <param name="http">A client that authenticates itself; see <see cref="Identity.CoordinatorHttp"/>.</param>
/// <param name="time">The clock.</param>
public sealed class DeploymentClient(HttpClient http, TimeProvider time)
{
    /// <summary>Header of a call that replaces an order: the digest of the one that it replaces, or <c>none</c>.</summary>
    public const string ReplacesHeader = "Comity-Replaces";

    private const string Base = "v1/deployments";
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);
    private readonly WireClient _wire = new(http, time);
    private readonly StudyClient _bodies = new(http, time);

    /// <summary>All orders; waits for a change as long as told.</summary>
    /// <param name="after">Number of the change that is known already.</param>
    /// <param name="wait">How long to wait for another.</param>
    /// <param name="cancellationToken">Stops it.</param>
    public Task<OrderListing> OrdersAsync(long after, TimeSpan wait, CancellationToken cancellationToken) =>
        _wire.GetAsync<OrderListing>(string.Create(CultureInfo.InvariantCulture, $"{Base}/orders?after={after}&wait={wait.TotalSeconds:0}"), Limit + wait, cancellationToken);

    /// <summary>A signed order as it was handed in.</summary>
    /// <param name="order">The order.</param>
    /// <param name="cancellationToken">Stops it.</param>
    public async Task<byte[]> OrderAsync(OrderEntry order, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(order);
        using var response = await _wire.OpenAsync($"{Base}/orders/{Uri.EscapeDataString(order.Name)}", null, null, Limit, cancellationToken).ConfigureAwait(false);
        await response.Content.LoadIntoBufferAsync(WireJson.LargestMessageBytes, cancellationToken).ConfigureAwait(false);
        return await response.Content.ReadAsByteArrayAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Hands an order in, in the place of another.</summary>
    /// <param name="name">Name of the model.</param>
    /// <param name="signed">The signed order.</param>
    /// <param name="replaces">Digest of the order that it was made from; null: there was none.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="WireException">409: somebody else's order came in between.</exception>
    public async Task PutOrderAsync(string name, byte[] signed, string? replaces, CancellationToken cancellationToken)
    {
        using var content = new ByteArrayContent(signed);
        using var response = await SendAsync(HttpMethod.Put, $"{Base}/orders/{Uri.EscapeDataString(name)}", content, SHA256.HashData(signed), replaces ?? "none", cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Hands a release in; one that is there already is not sent again.</summary>
    /// <param name="path">The file.</param>
    /// <param name="sha256">Its digest (hex).</param>
    /// <param name="cancellationToken">Stops it.</param>
    public async Task PutReleaseAsync(string path, string sha256, CancellationToken cancellationToken)
    {
        if ((await _wire.GetAsync<ReleaseListing>($"{Base}/releases", Limit, cancellationToken).ConfigureAwait(false)).Releases.Contains(sha256, StringComparer.Ordinal)) return;
        var file = File.OpenRead(path);
        using var content = new StreamContent(file); // disposes the file
        content.Headers.ContentLength = file.Length;
        using var response = await SendAsync(HttpMethod.Put, $"{Base}/releases/{sha256}", content, Convert.FromHexString(sha256), null, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Fetches a release; goes on where an earlier call broke off.</summary>
    /// <param name="sha256">Its digest (hex).</param>
    /// <param name="path">Where it is put, whole or not at all.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="InvalidDataException">What arrived has another digest; it was deleted.</exception>
    public async Task FetchReleaseAsync(string sha256, string path, CancellationToken cancellationToken)
    {
        await _bodies.FetchAsync($"{Base}/releases/{sha256}", path + ".fetched", null, cancellationToken).ConfigureAwait(false);
        string digest;
        using (var stream = File.OpenRead(path + ".fetched")) digest = Convert.ToHexStringLower(await SHA256.HashDataAsync(stream, cancellationToken).ConfigureAwait(false));
        if (digest != sha256)
        {
            File.Delete(path + ".fetched");
            throw new InvalidDataException($"The release arrived with another digest ({digest}) than was ordered ({sha256}).");
        }
        File.Move(path + ".fetched", path, overwrite: true);
    }

    /// <summary>Tells what this node does. The coordinator files it under the name by which it knows the caller.</summary>
    public async Task ReportAsync<T>(T report, CancellationToken cancellationToken)
    {
        var bytes = JsonSerializer.SerializeToUtf8Bytes(report, WireJson.Options);
        await _wire.PutAsync($"{Base}/nodes/me", bytes, SHA256.HashData(bytes), bytes.Length, Limit, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>What all nodes last told.</summary>
    public Task<NodeListing> NodesAsync(CancellationToken cancellationToken) => _wire.GetAsync<NodeListing>($"{Base}/nodes", Limit, cancellationToken);

    private async Task<HttpResponseMessage> SendAsync(HttpMethod method, string target, HttpContent? content, ReadOnlyMemory<byte> sha256, string? replaces, CancellationToken cancellationToken)
    {
        using var request = _wire.Request(method, target); // refused in its midst, a release of gigabytes ends by HTTP/2 with the reason, by HTTP/1.1 with a broken line
        request.Content = content;
        if (content is not null) request.Options.Set(Identity.SigningHandler.KnownDigest, sha256);
        if (content is not null) content.Headers.ContentType = new MediaTypeHeaderValue("application/octet-stream");
        if (replaces is not null) request.Headers.Add(ReplacesHeader, replaces);
        return await _wire.SendAsync(request, HttpCompletionOption.ResponseContentRead, Limit + TimeSpan.FromSeconds((content?.Headers.ContentLength ?? 0) / 100_000.0), cancellationToken).ConfigureAwait(false);
    }
}
