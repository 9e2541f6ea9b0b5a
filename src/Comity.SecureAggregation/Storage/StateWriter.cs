using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Comity.SecureAggregation.Storage;

/// <summary>Writes a state; buffers that it outgrew are overwritten, as they hold secrets.</summary>
internal sealed class StateWriter
{
    private byte[] _buffer = new byte[4096];
    private int _length;

    public void Number(int value) => BinaryPrimitives.WriteInt32LittleEndian(Take(sizeof(int)), value);

    public void Bytes(ReadOnlySpan<byte> value)
    {
        Number(value.Length);
        value.CopyTo(Take(value.Length));
    }

    public void Numbers(IReadOnlyCollection<int> values)
    {
        Number(values.Count);
        foreach (var value in values) Number(value);
    }

    public void Map<T>(IReadOnlyDictionary<int, T> map, Action<T> write)
    {
        Number(map.Count);
        foreach (var (key, value) in map.OrderBy(pair => pair.Key))
        {
            Number(key);
            write(value);
        }
    }

    /// <summary>What was written, with its SHA-256 behind it.</summary>
    public byte[] Finish()
    {
        var whole = new byte[_length + SHA256.HashSizeInBytes];
        _buffer.AsSpan(0, _length).CopyTo(whole);
        SHA256.HashData(_buffer.AsSpan(0, _length), whole.AsSpan(_length));
        CryptographicOperations.ZeroMemory(_buffer);
        return whole;
    }

    private Span<byte> Take(int bytes)
    {
        if (_length + bytes > _buffer.Length)
        {
            var larger = new byte[Math.Max(2 * _buffer.Length, _length + bytes)];
            _buffer.AsSpan(0, _length).CopyTo(larger);
            CryptographicOperations.ZeroMemory(_buffer);
            _buffer = larger;
        }
        _length += bytes;
        return _buffer.AsSpan(_length - bytes, bytes);
    }
}
