using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Comity.Serving.Protocol;

/// <summary>Bytes of an answer, one piece after another. What is the same in every answer is written as it stands; only numbers are formatted.</summary>
internal sealed class AnswerBuffer
{
    private const int LongestNumber = 32;
    private byte[] _bytes = new byte[4096];

    public int Length { get; private set; }

    public ReadOnlySpan<byte> Written => _bytes.AsSpan(0, Length);

    public void Clear() => Length = 0;

    public void Add(byte one) => Space(1)[0] = one;

    public void Add(ReadOnlySpan<byte> bytes) => bytes.CopyTo(Space(bytes.Length));

    /// <summary>The shortest text that reads as the same number.</summary>
    /// <exception cref="ArithmeticException">It is not finite: JSON has no word for it.</exception>
    public void Number(float value)
    {
        if (!float.IsFinite(value)) throw new ArithmeticException("The model's answer is not finite.");
        value.TryFormat(Room(LongestNumber), out var written, default, CultureInfo.InvariantCulture);
        Length += written;
    }

    public void Number(int value)
    {
        value.TryFormat(Room(LongestNumber), out var written, default, CultureInfo.InvariantCulture);
        Length += written;
    }

    /// <summary>A text from outside, quoted and escaped.</summary>
    public void Text(string text)
    {
        Add((byte)'"');
        Add(JsonEncodedText.Encode(text, JavaScriptEncoder.UnsafeRelaxedJsonEscaping).EncodedUtf8Bytes);
        Add((byte)'"');
    }

    /// <summary>Writes once more what stands at a place already.</summary>
    public void Again(int start, int length)
    {
        var to = Space(length); // first: it may move the bytes
        _bytes.AsSpan(start, length).CopyTo(to);
    }

    /// <summary>Room for so many bytes, which count as written.</summary>
    public Span<byte> Space(int bytes)
    {
        var room = Room(bytes)[..bytes];
        Length += bytes;
        return room;
    }

    private Span<byte> Room(int bytes)
    {
        if (_bytes.Length - Length < bytes) Array.Resize(ref _bytes, (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)(Length + bytes)));
        return _bytes.AsSpan(Length);
    }
}
