using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Security.Cryptography;

namespace Comity.SecureAggregation.Storage;

/// <summary>Reads what <see cref="StateWriter"/> wrote; anything cut, changed or too long throws <see cref="InvalidDataException"/>.</summary>
internal sealed class StateReader
{
    private readonly ReadOnlyMemory<byte> _rest;
    private int _at;

    public StateReader(ReadOnlyMemory<byte> whole)
    {
        if (whole.Length < SHA256.HashSizeInBytes) throw Broken();
        _rest = whole[..^SHA256.HashSizeInBytes];
        if (!SHA256.HashData(_rest.Span).AsSpan().SequenceEqual(whole.Span[_rest.Length..])) throw Broken();
    }

    public int Number() => BinaryPrimitives.ReadInt32LittleEndian(Take(sizeof(int)));

    public byte[] Bytes() => Take(Number()).ToArray();

    public int[] Numbers()
    {
        var numbers = new int[Count()];
        for (var i = 0; i < numbers.Length; i++) numbers[i] = Number();
        return numbers;
    }

    public ImmutableSortedDictionary<int, T> Map<T>(Func<int, T> read)
    {
        var map = ImmutableSortedDictionary.CreateBuilder<int, T>();
        for (var left = Count(); left > 0; left--)
        {
            var key = Number();
            map[key] = read(key);
        }
        return map.ToImmutable();
    }

    public void End()
    {
        if (_at != _rest.Length) throw Broken();
    }

    public static InvalidDataException Broken() => new("A kept state of a masked round is damaged, or is not of this round.");

    // Every item takes a byte at least, so that a huge count can't ask for huge memory.
    private int Count()
    {
        var count = Number();
        return count >= 0 && count <= _rest.Length - _at ? count : throw Broken();
    }

    private ReadOnlySpan<byte> Take(int bytes)
    {
        if (bytes < 0 || bytes > _rest.Length - _at) throw Broken();
        _at += bytes;
        return _rest.Span.Slice(_at - bytes, bytes);
    }
}
