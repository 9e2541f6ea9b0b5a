using System.Globalization;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using Comity.Transport.Protocol;

namespace Comity.Transport.Clients;

/// <summary>What a study's author does over a connection: hand in, watch, cancel, fetch.</summary>
/// <param name="http">A client that authenticates itself; see <see cref="Identity.CoordinatorHttp"/>.</param>
/// <param name="time">The clock.</param>
public sealed class StudyClient(HttpClient http, TimeProvider time)
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);
    private readonly WireClient _wire = new(http, time);

    /// <summary>Hands a study in; sent twice, it makes one study.</summary>
    public Task<StudyView> SubmitAsync(StudySubmission submission, CancellationToken cancellationToken) =>
        _wire.PostAsync<StudySubmission, StudyView>("v1/studies", submission, Limit, cancellationToken);

    /// <summary>All studies that the caller may see.</summary>
    public Task<StudyListing> ListAsync(CancellationToken cancellationToken) => _wire.GetAsync<StudyListing>("v1/studies", Limit, cancellationToken);

    /// <summary>A study with the events after a number; waits for one as long as told.</summary>
    public Task<StudyView> ViewAsync(string id, long after, TimeSpan wait, CancellationToken cancellationToken) => _wire.GetAsync<StudyView>(
        string.Create(CultureInfo.InvariantCulture, $"v1/studies/{Uri.EscapeDataString(id)}?after={after}&wait={wait.TotalSeconds:0}"), Limit + wait, cancellationToken);

    /// <summary>Ends a study.</summary>
    public Task<StudyView> CancelAsync(string id, CancellationToken cancellationToken) => DoAsync(id, "cancel", cancellationToken);

    /// <summary>Lets a study that stopped try again from where it stopped.</summary>
    public Task<StudyView> ResumeAsync(string id, CancellationToken cancellationToken) => DoAsync(id, "resume", cancellationToken);

    /// <summary>What a finished study left besides its results.</summary>
    public Task<StudyArtefacts> ArtefactsAsync(string id, CancellationToken cancellationToken) =>
        _wire.GetAsync<StudyArtefacts>($"v1/studies/{Uri.EscapeDataString(id)}/artefacts", Limit, cancellationToken);

    /// <summary>Fetches <c>results.json</c>.</summary>
    public Task FetchResultsAsync(string id, string path, CancellationToken cancellationToken) =>
        FetchAsync($"v1/studies/{Uri.EscapeDataString(id)}/results", path, null, cancellationToken);

    /// <summary>Fetches the study file as it was handed in.</summary>
    public Task FetchStudyAsync(string id, string path, CancellationToken cancellationToken) =>
        FetchAsync($"v1/studies/{Uri.EscapeDataString(id)}/file", path, null, cancellationToken);

    /// <summary>Fetches a model's weights as little-endian floats; goes on where an earlier call broke off.</summary>
    /// <exception cref="InvalidDataException">What arrived has another digest; it was deleted.</exception>
    public async Task FetchModelAsync(string id, HeldModel model, string path, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(model);
        await FetchAsync(string.Create(CultureInfo.InvariantCulture, $"v1/studies/{Uri.EscapeDataString(id)}/models/{model.Number}"), path, model.Bytes, cancellationToken).ConfigureAwait(false);
        string digest;
        using (var stream = File.OpenRead(path)) digest = Convert.ToHexStringLower(await SHA256.HashDataAsync(stream, cancellationToken).ConfigureAwait(false));
        if (digest == model.WeightsSha256) return;
        File.Delete(path);
        throw new InvalidDataException($"The weights of {model.Id} arrived with another digest ({digest}) than the coordinator recorded ({model.WeightsSha256}).");
    }

    private Task<StudyView> DoAsync(string id, string what, CancellationToken cancellationToken) =>
        _wire.PostAsync<object, StudyView>($"v1/studies/{Uri.EscapeDataString(id)}/{what}", new object(), Limit, cancellationToken);

    // Chunks are asked for by range, so a transfer goes on from the last byte that arrived.
    internal async Task FetchAsync(string target, string path, long? bytes, CancellationToken cancellationToken)
    {
        const int MostTries = 8;
        var partial = path + ".part";
        for (var tries = 1; ; tries++)
        {
            try
            {
                var begun = File.Exists(partial) ? new FileInfo(partial).Length : 0;
                using var response = await _wire.OpenAsync(target, begun > 0 ? new RangeHeaderValue(begun, null) : null, bytes, Limit, cancellationToken).ConfigureAwait(false);
                using var file = new FileStream(partial, FileMode.OpenOrCreate, FileAccess.Write); // not before there is something to write
                file.Position = begun;
                if (file.Position > 0 && response.StatusCode != System.Net.HttpStatusCode.PartialContent) file.SetLength(0);
                using var stream = await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
                var buffer = new byte[1 << 18];
                using var silence = new SilenceLimit(Limit, time, cancellationToken);
                while (true)
                {
                    var read = await stream.ReadAsync(buffer, silence.Token).ConfigureAwait(false);
                    if (read == 0) break;
                    silence.Heard();
                    await file.WriteAsync(buffer.AsMemory(0, read), cancellationToken).ConfigureAwait(false);
                    tries = 1;
                }
                break;
            }
            catch (WireException e) when (e.Status == System.Net.HttpStatusCode.RequestedRangeNotSatisfiable)
            {
                break; // all of it had arrived
            }
            catch (Exception e) when (tries < MostTries && !cancellationToken.IsCancellationRequested && (Transient.Is(e) || e is OperationCanceledException))
            {
                await Task.Delay(Transient.Pause(tries), time, cancellationToken).ConfigureAwait(false);
            }
        }
        File.Move(partial, path, overwrite: true);
    }
}
