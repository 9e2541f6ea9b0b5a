using System.Security.Cryptography;
using Comity.Transport.Bodies;
using Microsoft.Win32.SafeHandles;

namespace Comity.Coordinator.Studies;

/// <summary>The body of an answer while its chunks arrive, each checked before it is stored; goes on after a restart from what the file holds.</summary>
internal sealed class UploadedBody : IDisposable
{
    private readonly Lock _gate = new();
    private readonly SafeFileHandle _file;
    private readonly bool[] _stored;

    private UploadedBody(string path, BodyManifest manifest, SafeFileHandle file, bool[] stored) => (Path, Manifest, _file, _stored) = (path, manifest, file, stored);

    public string Path { get; }

    public BodyManifest Manifest { get; }

    public IReadOnlyList<int> Missing
    {
        get { lock (_gate) return [.. Enumerable.Range(0, _stored.Length).Where(i => !_stored[i])]; }
    }

    public static async Task<UploadedBody> OpenAsync(string path, BodyManifest manifest, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(path)!);
        var stored = new bool[manifest.Chunks];
        if (File.Exists(path))
        {
            using var spool = new FileStream(path, FileMode.Open, FileAccess.ReadWrite);
            if (spool.Length > manifest.Length) spool.SetLength(manifest.Length);
            var receiver = new BodyReceiver(manifest, spool);
            await receiver.ResumeAsync(cancellationToken);
            Array.Fill(stored, true);
            foreach (var missing in receiver.Missing) stored[missing] = false;
        }
        return new(path, manifest, File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete, FileOptions.Asynchronous), stored);
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
        await RandomAccess.WriteAsync(_file, bytes, Manifest.OffsetOf(chunk), cancellationToken);
        lock (_gate) _stored[chunk] = true;
        return ChunkFault.None;
    }

    public void Dispose() => _file.Dispose();
}
