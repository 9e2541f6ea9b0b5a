using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Comity.Serving.Feedback;

/// <summary>What somebody said of an answer. Stays in its market.</summary>
/// <param name="Answer">What the answer's id tells.</param>
/// <param name="Label">The true class or value, in the model's words; null: not told.</param>
/// <param name="Rating">From 1 to 5; null: not told.</param>
/// <param name="Comment">In the person's words; null: none.</param>
public sealed record FeedbackEntry(SealedAnswer Answer, string? Label, int? Rating, string? Comment)
{
    /// <summary>SHA-256 (hex) of what was said: the same said again is the same entry.</summary>
    public string Digest
    {
        get
        {
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            Span<byte> length = stackalloc byte[4];
            foreach (var part in new[] { Answer.Key, Label, Rating?.ToString(System.Globalization.CultureInfo.InvariantCulture), Comment })
            {
                var bytes = Encoding.UTF8.GetBytes(part ?? "");
                BinaryPrimitives.WriteInt32LittleEndian(length, part is null ? -1 : bytes.Length);
                hash.AppendData(length);
                hash.AppendData(bytes);
            }
            return Convert.ToHexStringLower(hash.GetHashAndReset());
        }
    }
}

/// <summary>Feedback as it is stored.</summary>
/// <param name="Sequence">Order in which it was stored.</param>
/// <param name="Received">When.</param>
/// <param name="Entry">What was said.</param>
public sealed record StoredFeedback(long Sequence, DateTimeOffset Received, FeedbackEntry Entry);
