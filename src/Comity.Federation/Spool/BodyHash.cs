using System.Security.Cryptography;

namespace Comity.Federation.Spool;

/// <summary>The digest of a body that is read part by part, as its header says it is made.</summary>
/// <param name="kind"><see cref="ChunkedDigest.Name"/>; null: of all bytes.</param>
internal sealed class BodyHash(string? kind) : IDisposable
{
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly MemoryStream? _digests = kind is null ? null : new();
    private int _inChunk;

    /// <summary>Whether a digest of this kind can be made here.</summary>
    public static bool Knows(string? kind) => kind is null or ChunkedDigest.Name;

    /// <summary>Adds the next bytes.</summary>
    public void Append(ReadOnlySpan<byte> bytes)
    {
        while (_digests is not null && _inChunk + bytes.Length >= ChunkedDigest.ChunkBytes)
        {
            var end = ChunkedDigest.ChunkBytes - _inChunk;
            _hash.AppendData(bytes[..end]);
            bytes = bytes[end..];
            EndChunk();
        }
        _hash.AppendData(bytes);
        _inChunk += bytes.Length;
    }

    /// <summary>The digest, in hex; nothing may be added afterwards.</summary>
    public string End()
    {
        if (_digests is null) return Convert.ToHexStringLower(_hash.GetHashAndReset());
        if (_inChunk > 0) EndChunk();
        return ChunkedDigest.Of(_digests.ToArray());
    }

    public void Dispose() => _hash.Dispose();

    private void EndChunk()
    {
        _digests!.Write(_hash.GetHashAndReset());
        _inChunk = 0;
    }
}
