using System.Globalization;
using Comity.Federation.AtRest;
using Comity.Transport.Bodies;
using Comity.Transport.Protocol;

namespace Comity.Transport.Clients;

/// <summary>What a site does over a connection: ask for work, report progress, move bodies, answer. Each call once; the caller tries again.</summary>
/// <param name="http">A client that signs each call; see <see cref="Identity.CoordinatorHttp"/>.</param>
/// <param name="time">The clock.</param>
public sealed class SiteClient(HttpClient http, TimeProvider time)
{
    private const int ChunksInFlight = 2;
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);
    private readonly WireClient _wire = new(http, time);

    /// <summary>How long a line may move nothing of a body before the call is given up; 60 s. A slow line is not a silent one.</summary>
    public TimeSpan Silence { get; init; } = Limit;

    /// <summary>Asks for work.</summary>
    public Task<WorkReply> WorkAsync(WorkRequest request, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        return _wire.PostAsync<WorkRequest, WorkReply>("v1/work", request, Limit + TimeSpan.FromSeconds(request.WaitSeconds), cancellationToken);
    }

    /// <summary>Reports progress.</summary>
    public Task<ProgressReply> ProgressAsync(ProgressReport report, CancellationToken cancellationToken) =>
        _wire.PostAsync<ProgressReport, ProgressReply>("v1/progress", report, Limit, cancellationToken);

    /// <summary>Answers a task whose body has been uploaded.</summary>
    public Task<AnswerReply> AnswerAsync(string key, SiteAnswer answer, CancellationToken cancellationToken) =>
        _wire.PostAsync<SiteAnswer, AnswerReply>($"v1/tasks/{key}/answer", answer, TimeSpan.FromMinutes(5), cancellationToken);

    /// <summary>Leaves a study for good; said twice, it is the same.</summary>
    public Task<WithdrawalReply> WithdrawAsync(string study, CancellationToken cancellationToken) =>
        _wire.PostAsync<object, WithdrawalReply>($"v1/studies/{Uri.EscapeDataString(study)}/withdraw", new object(), Limit, cancellationToken);

    /// <summary>Fetches a body into a file, from the first chunk that is not there yet.</summary>
    /// <param name="key">The task it belongs to.</param>
    /// <param name="body">Which.</param>
    /// <param name="path">The file; what an earlier call left in it counts.</param>
    /// <param name="moved">Told the bytes of each chunk that arrived.</param>
    /// <param name="vault">How the file is kept; null: as it is.</param>
    /// <param name="spares">Files over which one that is not there yet may be written; null: none.</param>
    /// <param name="cancellationToken">Stops it; what arrived stays.</param>
    /// <exception cref="InvalidDataException">The coordinator's manifest or a chunk does not fit the digest.</exception>
    public async Task FetchAsync(string key, BodyReference body, string path, Action<int> moved, StateVault? vault, SpareFiles? spares, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(body);
        ArgumentNullException.ThrowIfNull(moved);
        var target = $"v1/tasks/{key}/bodies/{body.Digest}";
        var manifest = ReadManifest(await _wire.GetAsync<ManifestMessage>($"{target}/manifest", Limit, cancellationToken).ConfigureAwait(false));
        if (!manifest.Matches(Convert.FromHexString(body.Digest)) || manifest.Length != body.Length) throw new InvalidDataException($"The manifest of '{body.Name}' is not that of {body.Digest}.");

        var begun = File.Exists(path);
        if (!begun) spares?.Reuse(path, manifest.Length);
        using var spool = new StateStream((vault ?? StateVault.Plain).Assemble(path, manifest.Length), writable: true);
        var receiver = new BodyReceiver(manifest, spool);
        if (begun) await receiver.ResumeAsync(cancellationToken).ConfigureAwait(false);
        if (receiver.IsComplete) return;
        var from = receiver.Missing.First();
        using var response = await _wire.OpenAsync(string.Create(CultureInfo.InvariantCulture, $"{target}?from={from}"), null, manifest.Length, Limit, cancellationToken).ConfigureAwait(false);
        using var stream = await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
        var buffer = new byte[Math.Min(manifest.ChunkBytes, manifest.Length)];
        while (!receiver.IsComplete)
        {
            using var silence = new SilenceLimit(Silence, time, cancellationToken);
            int chunk;
            ChunkFault fault;
            try
            {
                (chunk, fault) = await ChunkFrame.ReadAsync(stream, manifest, buffer, () => silence.Heard(), silence.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (silence.IsReached)
            {
                throw new TimeoutException($"'{body.Name}' broke off for {Silence.TotalSeconds:0} s.");
            }
            if (fault is ChunkFault.EndOfStream or ChunkFault.Truncated) throw new EndOfStreamException($"'{body.Name}' broke off {receiver.Missing.Sum(manifest.LengthOf)} bytes before its end.");
            if (fault == ChunkFault.None) fault = await receiver.StoreAsync(chunk, buffer.AsMemory(0, manifest.LengthOf(chunk)), cancellationToken).ConfigureAwait(false);
            if (fault != ChunkFault.None) throw new InvalidDataException($"Chunk {chunk} of '{body.Name}': {fault}.");
            moved(manifest.LengthOf(chunk));
        }
    }

    /// <summary>Uploads a body from a file, the chunks that the coordinator does not have yet.</summary>
    /// <param name="key">The task it answers.</param>
    /// <param name="manifest">How the file is cut.</param>
    /// <param name="path">The file.</param>
    /// <param name="moved">Told the bytes of each chunk that is stored over there.</param>
    /// <param name="vault">How the file is kept; null: as it is.</param>
    /// <param name="cancellationToken">Stops it; what is stored stays.</param>
    public async Task UploadAsync(string key, BodyManifest manifest, string path, Action<int> moved, StateVault? vault, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(manifest);
        ArgumentNullException.ThrowIfNull(moved);
        var state = await _wire.PostAsync<ManifestMessage, UploadState>($"v1/tasks/{key}/upload", WriteManifest(manifest), Limit, cancellationToken).ConfigureAwait(false);
        if (state.Missing.Count == 0) return;
        using var file = (vault ?? StateVault.Plain).Read(path);
        var digest = Convert.ToHexStringLower(manifest.Digest);
        // As many buffers as are in flight: a shared pool would keep one for each thread that ever gave one back.
        var buffers = new System.Collections.Concurrent.ConcurrentBag<byte[]>();
        var options = new ParallelOptions { MaxDegreeOfParallelism = ChunksInFlight, CancellationToken = cancellationToken };
        await Parallel.ForEachAsync(state.Missing, options, async (chunk, token) =>
        {
            var length = manifest.LengthOf(chunk);
            var buffer = buffers.TryTake(out var used) ? used : new byte[Math.Min(manifest.ChunkBytes, manifest.Length)];
            try
            {
                if (await file.ReadAsync(manifest.OffsetOf(chunk), buffer.AsMemory(0, length), token).ConfigureAwait(false) < length)
                    throw new InvalidDataException($"{path} has become shorter than what was to be sent.");
                await _wire.PutAsync(string.Create(CultureInfo.InvariantCulture, $"v1/tasks/{key}/upload/{digest}/{chunk}"), buffer.AsMemory(0, length), manifest.DigestOf(chunk).ToArray(), manifest.Length, Silence, token).ConfigureAwait(false);
                moved(length);
            }
            finally
            {
                buffers.Add(buffer);
            }
        }).ConfigureAwait(false);
    }

    /// <summary>A manifest as it travels.</summary>
    public static ManifestMessage WriteManifest(BodyManifest manifest)
    {
        ArgumentNullException.ThrowIfNull(manifest);
        return new(manifest.Length, manifest.ChunkBytes, Convert.ToBase64String(manifest.ChunkDigests));
    }

    /// <summary>Reads a manifest that travelled.</summary>
    /// <exception cref="InvalidDataException">Its numbers do not fit each other or the bounds.</exception>
    public static BodyManifest ReadManifest(ManifestMessage message)
    {
        ArgumentNullException.ThrowIfNull(message);
        try
        {
            return new(message.Length, message.ChunkBytes, Convert.FromBase64String(message.Digests));
        }
        catch (Exception e) when (e is ArgumentException or FormatException)
        {
            throw new InvalidDataException("A manifest whose numbers do not fit: " + e.Message, e);
        }
    }
}
