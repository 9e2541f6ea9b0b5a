using System.Globalization;
using System.Security.Cryptography;
using Comity.Transport.Signing;

namespace Comity.Transport.Tests;

public sealed class MessageGateTests : IDisposable
{
    private static readonly DateTimeOffset Now = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);
    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly MessageGate _gate;

    public MessageGateTests() =>
        _gate = new(new Dictionary<string, byte[]>(StringComparer.Ordinal) { ["basel"] = _key.ExportSubjectPublicKeyInfo() }, TimeSpan.FromMinutes(5));

    private static byte[] Digest(byte content = 1) => SHA256.HashData([content]);

    private static MessageHeader Header(long sequence = 1) => new("basel", "heart", "update", 3, sequence, Now, Digest());

    private MessageVerdict Judge(SignedMessage message, byte[]? body = null, DateTimeOffset? now = null) =>
        _gate.Judge(AcceptedMessages.None, message, body ?? Digest(), now ?? Now).Verdict;

    public void Dispose() => _key.Dispose();

    [Fact]
    public void A_sites_own_fresh_message_is_accepted_once()
    {
        var message = SignedMessage.Sign(Header(5), _key);
        var (verdict, accepted) = _gate.Judge(AcceptedMessages.None, message, Digest(), Now);
        Assert.Equal(MessageVerdict.Accepted, verdict);
        Assert.Equal(MessageVerdict.Replayed, _gate.Judge(accepted, message, Digest(), Now).Verdict);
        Assert.Equal(MessageVerdict.Replayed, _gate.Judge(accepted, SignedMessage.Sign(Header(4), _key), Digest(), Now).Verdict);
        Assert.Equal(MessageVerdict.Accepted, _gate.Judge(accepted, SignedMessage.Sign(Header(6), _key), Digest(), Now).Verdict);
    }

    [Fact]
    public void Changing_any_part_of_a_message_breaks_its_signature()
    {
        var message = SignedMessage.Sign(Header(), _key);
        MessageHeader[] changed =
        [
            message.Header with { Study = "heart2" },
            message.Header with { Kind = "statistics" },
            message.Header with { Round = 4 },
            message.Header with { Sequence = 2 },
            message.Header with { SentAt = Now.AddMilliseconds(1) },
            message.Header with { BodyDigest = Digest(2) },
            message.Header with { Study = "hear", Kind = "tupdate" },
            message.Header with { BodyDigest = [1, 2, 3] },
        ];
        Assert.All(changed, header => Assert.Equal(MessageVerdict.WrongSignature, Judge(message with { Header = header })));
        Assert.Equal(MessageVerdict.WrongSignature, Judge(message with { Signature = message.Signature[..40] }));
        Assert.Equal(MessageVerdict.UnknownSite, Judge(message with { Header = message.Header with { Site = "bern" } }));
    }

    [Fact]
    public void Another_sites_key_another_body_and_a_wrong_clock_are_told_apart()
    {
        using var other = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var message = SignedMessage.Sign(Header(), _key);
        Assert.Equal(MessageVerdict.WrongSignature, Judge(SignedMessage.Sign(Header(), other)));
        Assert.Equal(MessageVerdict.WrongBody, Judge(message, Digest(2)));
        Assert.Equal(MessageVerdict.Stale, Judge(message, now: Now.AddHours(1)));
        Assert.Equal(MessageVerdict.Stale, Judge(message, now: Now.AddHours(-1)));
    }

    [Fact]
    public void Every_verdict_has_its_text_in_both_languages()
    {
        foreach (var verdict in Enum.GetValues<MessageVerdict>())
        {
            Assert.NotEqual(
                MessageGate.Describe(verdict, "basel", CultureInfo.GetCultureInfo("en")),
                MessageGate.Describe(verdict, "basel", CultureInfo.GetCultureInfo("zh-Hans")));
        }
    }
}
