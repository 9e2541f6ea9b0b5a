using System.Security.Cryptography;
using Comity.Transport.Identity;

namespace Comity.Transport.Tests.Identity;

public sealed class JoinCodeTests
{
    [Fact]
    public void A_code_carries_address_key_and_secret_whole()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var code = new JoinCode(new("https://coordinator.example.org:8440/"), AuthorityKey.Of(key), JoinCode.NewSecret(), ThroughProxy: true);

        Assert.Equal(code, JoinCode.Parse(code.ToString()));
        Assert.Equal(code, JoinCode.Parse($"  {code.ToString().ToLowerInvariant()}\n"));
        Assert.Equal(KeyFingerprint.Of(key), JoinCode.Parse(code.ToString())!.Authority.Fingerprint);
    }

    [Fact]
    public void A_code_with_a_wrong_letter_is_no_code()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var text = new JoinCode(new("https://c.example:8440/"), AuthorityKey.Of(key), JoinCode.NewSecret(), false).ToString();
        for (var i = 8; i < text.Length; i++)
        {
            var other = text[i] == '7' ? 'Z' : '7';
            Assert.Null(JoinCode.Parse(text[..i] + other + text[(i + 1)..]));
        }
        Assert.Null(JoinCode.Parse(text[..^3]));
        Assert.Null(JoinCode.Parse(""));
        Assert.Null(JoinCode.Parse("comity1-"));
        Assert.Null(JoinCode.Parse(null));
    }

    [Fact]
    public void Half_of_a_point_gives_the_whole_key()
    {
        for (var i = 0; i < 50; i++)
        {
            using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            var read = AuthorityKey.FromPoint(AuthorityKey.Of(key).Point)!;
            Assert.Equal(KeyFingerprint.Of(key), read.Fingerprint);
            Assert.True(read.Verify("text"u8, key.SignData("text"u8, HashAlgorithmName.SHA256)));
            Assert.False(read.Verify("texts"u8, key.SignData("text"u8, HashAlgorithmName.SHA256)));
        }
        var none = new byte[33];
        none[0] = 2;
        none[32] = 5; // x = 5 lies on the curve, x = 1 does not (OpenSSL agrees)
        Assert.NotNull(AuthorityKey.FromPoint(none));
        none[32] = 1;
        Assert.Null(AuthorityKey.FromPoint(none));
        Assert.Null(AuthorityKey.FromPoint(Enumerable.Repeat((byte)0xFF, 33).ToArray()));
    }

    [Fact]
    public void A_fingerprint_is_read_as_people_type_it()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var fingerprint = KeyFingerprint.Of(key);
        Assert.Matches("^([0-9A-HJKMNP-TV-Z]{4}-){7}[0-9A-HJKMNP-TV-Z]{4}$", fingerprint.ToString());
        foreach (var typed in new[] { fingerprint.ToString(), fingerprint.Plain, fingerprint.ToString().ToLowerInvariant().Replace('-', ' '), fingerprint.Plain.Replace('0', 'O').Replace('1', 'l') })
        {
            Assert.True(KeyFingerprint.TryParse(typed, out var read));
            Assert.Equal(fingerprint, read);
        }
        foreach (var typed in new[] { "", "ABCD", fingerprint.Plain[..^1], fingerprint.Plain + "A", fingerprint.Plain[..^1] + "U", null })
            Assert.False(KeyFingerprint.TryParse(typed, out _));
    }
}
