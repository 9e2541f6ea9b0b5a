using System.Buffers.Binary;
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace Comity.Serving.Feedback;

/// <summary>What an answer's id tells its own server.</summary>
/// <param name="Key">Names the answer: 24 hexadecimal digits.</param>
/// <param name="Model">Name of the model.</param>
/// <param name="Version">Version that answered.</param>
/// <param name="Answered">When, to the second.</param>
/// <param name="Groups">Values of the sensitive attributes, in the contract's order; empty: not known.</param>
/// <param name="Outputs">What the model said.</param>
public sealed record SealedAnswer(string Key, string Model, string Version, DateTimeOffset Answered, IReadOnlyList<string> Groups, IReadOnlyList<float> Outputs);

/// <summary>Makes an answer's id, which carries all that judging the answer will need, sealed with the market's key.</summary>
/// <remarks>
/// So a server keeps nothing of a record or an answer, any replica can take feedback on any answer of its market, and an id that was never given out is
/// known as such. AES-256-GCM; the nonce is a random start plus a counter. Not safe for several threads: each has its own.
/// </remarks>
public sealed class AnswerSeal : IDisposable
{
    private const byte Format = 1;
    private const int NonceLength = 12, TagLength = 16, LongestPlain = 1024;
    private const char GroupSeparator = '\u001f';
    private static readonly DateTimeOffset Epoch = new(2020, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private readonly AesGcm _cipher;
    private readonly byte[] _nonce = RandomNumberGenerator.GetBytes(NonceLength);
    private readonly byte[] _plain = new byte[LongestPlain];
    private readonly byte[] _sealed = new byte[1 + NonceLength + LongestPlain + TagLength];

    /// <param name="key">32 bytes, the same for all replicas of a market.</param>
    public AnswerSeal(ReadOnlySpan<byte> key) => _cipher = new AesGcm(key, TagLength);

    /// <summary>The id of an answer, in Base64url.</summary>
    /// <param name="id">UTF-8 bytes; at least <see cref="Longest"/> long.</param>
    /// <param name="model">UTF-8 of <c>name@version</c>.</param>
    /// <param name="answered">When.</param>
    /// <param name="groups">UTF-8 of the groups, joined by the unit separator.</param>
    /// <param name="outputs">Probabilities by class, or the value.</param>
    /// <param name="regression">Whether <paramref name="outputs"/> is a value.</param>
    /// <returns>Length of the id.</returns>
    public int Seal(Span<byte> id, ReadOnlySpan<byte> model, DateTimeOffset answered, ReadOnlySpan<byte> groups, ReadOnlySpan<float> outputs, bool regression)
    {
        if (model.Length > 200 || groups.Length > 200) groups = [];
        if (outputs.Length > 200) outputs = outputs[..200];
        var at = 0;
        BinaryPrimitives.WriteUInt32LittleEndian(_plain, (uint)(answered - Epoch).TotalSeconds);
        at += 4;
        _plain[at++] = (byte)model.Length;
        model.CopyTo(_plain.AsSpan(at));
        at += model.Length;
        _plain[at++] = (byte)groups.Length;
        groups.CopyTo(_plain.AsSpan(at));
        at += groups.Length;
        _plain[at++] = regression ? (byte)0 : (byte)outputs.Length;
        foreach (var output in outputs)
        {
            if (regression)
            {
                BinaryPrimitives.WriteSingleLittleEndian(_plain.AsSpan(at), output);
                at += 4;
            }
            else
            {
                BinaryPrimitives.WriteUInt16LittleEndian(_plain.AsSpan(at), (ushort)Math.Round(Math.Clamp(output, 0, 1) * ushort.MaxValue));
                at += 2;
            }
        }
        Next();
        _sealed[0] = Format;
        _nonce.CopyTo(_sealed, 1);
        _cipher.Encrypt(_nonce, _plain.AsSpan(0, at), _sealed.AsSpan(1 + NonceLength, at), _sealed.AsSpan(1 + NonceLength + at, TagLength), _sealed.AsSpan(0, 1));
        Base64Url.EncodeToUtf8(_sealed.AsSpan(0, 1 + NonceLength + at + TagLength), id, out _, out var written);
        return written;
    }

    /// <summary>Bytes that an id takes at most.</summary>
    public static int Longest => Base64Url.GetEncodedLength(1 + NonceLength + LongestPlain + TagLength);

    /// <summary>What an id tells; null: it was not given out under this key.</summary>
    public SealedAnswer? Open(string id)
    {
        ArgumentNullException.ThrowIfNull(id);
        if (id.Length > Longest || !Base64Url.IsValid(id)) return null;
        var bytes = new byte[Base64Url.GetMaxDecodedLength(id.Length)];
        if (!Base64Url.TryDecodeFromChars(id, bytes, out var length) || length < 1 + NonceLength + TagLength + 8 || bytes[0] != Format) return null;
        var plain = new byte[length - 1 - NonceLength - TagLength];
        try
        {
            _cipher.Decrypt(bytes.AsSpan(1, NonceLength), bytes.AsSpan(1 + NonceLength, plain.Length), bytes.AsSpan(length - TagLength, TagLength), plain, bytes.AsSpan(0, 1));
        }
        catch (AuthenticationTagMismatchException)
        {
            return null;
        }
        var at = 4;
        string Text()
        {
            var text = Encoding.UTF8.GetString(plain, at + 1, plain[at]);
            at += 1 + plain[at];
            return text;
        }
        var (model, groups) = (Text().Split('@', 2), Text());
        var classes = plain[at++];
        var outputs = classes == 0 ? [BinaryPrimitives.ReadSingleLittleEndian(plain.AsSpan(at))] : new float[classes];
        for (var c = 0; c < classes; c++) outputs[c] = BinaryPrimitives.ReadUInt16LittleEndian(plain.AsSpan(at + (2 * c))) / (float)ushort.MaxValue;
        return new SealedAnswer(
            Convert.ToHexStringLower(bytes.AsSpan(1, NonceLength)), model[0], model[1], Epoch.AddSeconds(BinaryPrimitives.ReadUInt32LittleEndian(plain)),
            groups.Length == 0 ? [] : groups.Split(GroupSeparator), outputs);
    }

    /// <inheritdoc/>
    public void Dispose() => _cipher.Dispose();

    private void Next()
    {
        for (var i = 0; i < NonceLength && ++_nonce[i] == 0; i++)
        {
            // The carry goes on to the next byte.
        }
    }
}
