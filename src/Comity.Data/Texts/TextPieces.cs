using System.Text;
using Comity.Data.Sources;
using Comity.Declarations;

namespace Comity.Data.Texts;

/// <summary>A text file as UTF-8 bytes, checked; line ends are one character.</summary>
internal sealed class TextPieces
{
    private readonly byte[] _text;

    private TextPieces(byte[] text) => _text = text;

    /// <summary>Reads a file; null, with the reason among the problems, where it can't be read or is no UTF-8.</summary>
    public static TextPieces? Open(string path, string name, ProblemList problems)
    {
        if (FileBytes.Read(path, name, problems) is not { } bytes) return null;
        var span = bytes.Span;
        if (span.StartsWith(Encoding.UTF8.Preamble)) span = span[3..];
        var text = new byte[span.Length];
        var (length, at) = (0, 0);
        while (at < span.Length)
        {
            if (Rune.DecodeFromUtf8(span[at..], out var character, out var consumed) != System.Buffers.OperationStatus.Done)
            {
                problems.Add(Messages.Problem("text-encoding", Place.InFile(name), FormattableString.Invariant($"{at + bytes.Length - span.Length}")));
                return null;
            }
            // A file of Windows and one of Unix are the same text.
            if (character.Value != '\r' || at + 1 == span.Length || span[at + 1] != '\n')
            {
                span.Slice(at, consumed).CopyTo(text.AsSpan(length));
                length += consumed;
            }
            at += consumed;
        }
        return new TextPieces(text[..length]);
    }

    /// <summary>The text cut after every so many characters; the last piece may be shorter.</summary>
    public IReadOnlyList<ReadOnlyMemory<byte>> Pieces(int characters)
    {
        var pieces = new List<ReadOnlyMemory<byte>>();
        var (start, count) = (0, 0);
        for (var at = 0; at < _text.Length; at++)
        {
            if ((_text[at] & 0xC0) == 0x80) continue; // within a character
            if (count == characters)
            {
                pieces.Add(_text.AsMemory(start, at - start));
                (start, count) = (at, 0);
            }
            count++;
        }
        if (start < _text.Length) pieces.Add(_text.AsMemory(start));
        return pieces;
    }
}
