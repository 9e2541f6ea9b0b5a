using System.Buffers;
using System.Security.Cryptography;
using Comity.Federation.AtRest;
using Comity.Transport.Bodies;

namespace Comity.Coordinator.Studies;

/// <summary>The body of an answer while its chunks arrive, of which none counts before it was checked; goes on after a restart from what the file holds.</summary>
internal sealed class UploadedBody : IAsyncDisposable
{
    private const int SliceBytes = 1 << 16;

    private readonly Lock _gate = new();
    private readonly StateFile _file;
    private readonly bool[] _stored;
    private readonly Dictionary<int, Arrival> _arriving = [];
    private bool _closed;

    private UploadedBody(string path, BodyManifest manifest, StateFile file, bool[] stored) => (Path, Manifest, _file, _stored) = (path, manifest, file, stored);

    public string Path { get; }

    public BodyManifest Manifest { get; }

    public IReadOnlyList<int> Missing
    {
        get { lock (_gate) return [.. Enumerable.Range(0, _stored.Length).Where(i => !_stored[i])]; }
    }

    public static async Task<UploadedBody> OpenAsync(string path, BodyManifest manifest, StateVault vault, SpareFiles? spares, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(path)!);
        var stored = new bool[manifest.Chunks];
        // What lies in a file of another body counts for nothing; in one that an earlier process left, each chunk that is whole counts.
        var begun = File.Exists(path);
        if (!begun) spares?.Reuse(path, manifest.Length);
        var file = vault.Assemble(path, manifest.Length);
        try
        {
            if (begun && file.Length > 0)
            {
                var receiver = new BodyReceiver(manifest, new StateStream(file, writable: true)); // the file stays open: it is the body's
                await receiver.ResumeAsync(cancellationToken);
                Array.Fill(stored, true);
                foreach (var missing in receiver.Missing) stored[missing] = false;
            }
            return new(path, manifest, file, stored);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Checks a chunk while it arrives and stores it; <see cref="ChunkFault.None"/>: it is there.</summary>
    /// <remarks>
    /// It goes to the disk slice by slice, so whoever sends slowly holds a slice of memory and not a chunk. Who sends a chunk again takes the place of who is
    /// sending it: that connection may be dead without anybody having noticed.
    /// </remarks>
    /// <param name="chunk">Its index.</param>
    /// <param name="content">Its bytes as they arrive. Reading their end may throw where they are not those that were signed.</param>
    /// <param name="sha256">The digest that reading to their end proves; null: none.</param>
    /// <param name="cancellationToken">Stops it.</param>
    public async Task<ChunkFault> StoreAsync(int chunk, Stream content, byte[]? sha256, CancellationToken cancellationToken)
    {
        if (chunk < 0 || chunk >= Manifest.Chunks) return ChunkFault.UnknownChunk;
        var arrival = new Arrival();
        Arrival? earlier;
        lock (_gate)
        {
            if (_closed && !_stored[chunk]) return ChunkFault.Superseded;
            earlier = _arriving.GetValueOrDefault(chunk);
            _arriving[chunk] = arrival;
        }
        try
        {
            if (earlier is not null) await earlier.StopAsync();
            await using var stopping = cancellationToken.UnsafeRegister(static a => ((Arrival)a!).Stop(), arrival);
            return await ReceiveAsync(chunk, content, sha256, arrival.Stopped);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return ChunkFault.Superseded;
        }
        finally
        {
            lock (_gate)
            {
                if (_arriving.GetValueOrDefault(chunk) == arrival) _arriving.Remove(chunk);
            }
            arrival.End();
        }
    }

    /// <summary>Stops what is still arriving, then closes the file.</summary>
    public async ValueTask DisposeAsync()
    {
        Arrival[] arriving;
        lock (_gate)
        {
            _closed = true;
            arriving = [.. _arriving.Values];
        }
        foreach (var arrival in arriving) await arrival.StopAsync();
        _file.Dispose();
    }

    private async Task<ChunkFault> ReceiveAsync(int chunk, Stream content, byte[]? sha256, CancellationToken cancellationToken)
    {
        bool stored;
        lock (_gate) stored = _stored[chunk];
        using var hash = sha256 is null ? IncrementalHash.CreateHash(HashAlgorithmName.SHA256) : null;
        var (offset, length) = (Manifest.OffsetOf(chunk), Manifest.LengthOf(chunk));
        var buffer = ArrayPool<byte>.Shared.Rent(Math.Min(SliceBytes, length));
        try
        {
            for (var at = 0; at < length;)
            {
                var slice = buffer.AsMemory(0, Math.Min(SliceBytes, length - at));
                if (await content.ReadAtLeastAsync(slice, slice.Length, throwOnEndOfStream: false, cancellationToken) < slice.Length) return ChunkFault.WrongLength;
                hash?.AppendData(slice.Span);
                if (!stored) await _file.WriteAsync(offset + at, slice, cancellationToken);
                at += slice.Length;
            }
            // One byte more is asked for: at the end a signature's digest is judged, and a chunk that is too long is found.
            if (await content.ReadAsync(buffer.AsMemory(0, 1), cancellationToken) > 0) return ChunkFault.WrongLength;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
        if (!(sha256 ?? hash!.GetHashAndReset()).AsSpan().SequenceEqual(Manifest.DigestOf(chunk))) return ChunkFault.WrongDigest;
        lock (_gate) _stored[chunk] = true;
        return ChunkFault.None;
    }

    /// <summary>A chunk that somebody is sending.</summary>
    private sealed class Arrival
    {
        // Neither a timer nor a handle belongs to it, so nothing is left behind where nobody disposes of it.
        private readonly CancellationTokenSource _stop = new();
        private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public CancellationToken Stopped => _stop.Token;

        public void Stop() => _stop.Cancel();

        public async Task StopAsync()
        {
            await _stop.CancelAsync();
            await _ended.Task;
        }

        public void End() => _ended.SetResult();
    }
}
