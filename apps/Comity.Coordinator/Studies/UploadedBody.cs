using System.Security.Cryptography;
using Comity.Federation.AtRest;
using Comity.Transport.Bodies;

namespace Comity.Coordinator.Studies;

/// <summary>The body of an answer while its chunks arrive, each checked before it is stored; goes on after a restart from what the file holds.</summary>
internal sealed class UploadedBody : IDisposable
{
    private readonly Lock _gate = new();
    private readonly StateFile _file;
    private readonly bool[] _stored;

    private UploadedBody(string path, BodyManifest manifest, StateFile file, bool[] stored) => (Path, Manifest, _file, _stored) = (path, manifest, file, stored);

    public string Path { get; }

    public BodyManifest Manifest { get; }

    public IReadOnlyList<int> Missing
    {
        get { lock (_gate) return [.. Enumerable.Range(0, _stored.Length).Where(i => !_stored[i])]; }
    }

    public static async Task<UploadedBody> OpenAsync(string path, BodyManifest manifest, StateVault vault, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(path)!);
        var stored = new bool[manifest.Chunks];
        var file = vault.Assemble(path, manifest.Length);
        try
        {
            if (file.Length > 0)
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

    /// <summary>Checks and stores a chunk; <see cref="ChunkFault.None"/>: it is there.</summary>
    /// <param name="chunk">Its index.</param>
    /// <param name="bytes">Its bytes.</param>
    /// <param name="sha256">Their digest, where it has been computed; null: it has not.</param>
    /// <param name="cancellationToken">Stops it.</param>
    public async Task<ChunkFault> StoreAsync(int chunk, ReadOnlyMemory<byte> bytes, byte[]? sha256, CancellationToken cancellationToken)
    {
        if (chunk < 0 || chunk >= Manifest.Chunks) return ChunkFault.UnknownChunk;
        if (bytes.Length != Manifest.LengthOf(chunk)) return ChunkFault.WrongLength;
        if (!(sha256 ?? SHA256.HashData(bytes.Span)).AsSpan().SequenceEqual(Manifest.DigestOf(chunk))) return ChunkFault.WrongDigest;
        lock (_gate)
        {
            if (_stored[chunk]) return ChunkFault.None;
        }
        await _file.WriteAsync(Manifest.OffsetOf(chunk), bytes, cancellationToken);
        lock (_gate) _stored[chunk] = true;
        return ChunkFault.None;
    }

    public void Dispose() => _file.Dispose();
}
