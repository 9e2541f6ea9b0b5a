using System.Security.Cryptography;
using Comity.Transport.Identity;

namespace Comity.Transport.Tests.Identity;

public sealed class PersonTokenTests
{
    private const string Bearer = "comity_0123456789ab_00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

    [Fact]
    public void A_token_carries_the_coordinators_key_and_sends_only_what_stands_before_it()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        foreach (var proxy in new[] { false, true })
        {
            var token = new PersonToken(Bearer, AuthorityKey.Of(key), proxy);
            Assert.StartsWith(Bearer + ".", token.Write(), StringComparison.Ordinal);
            Assert.Equal(token, PersonToken.Parse(token.Write()));
            Assert.Equal(Bearer, PersonToken.Parse(token.Write())!.Bearer);
        }
    }

    [Fact]
    public void A_token_of_an_older_version_has_no_key()
    {
        Assert.Equal(new PersonToken(Bearer, null, false), PersonToken.Parse(Bearer));
        Assert.Equal(Bearer, PersonToken.Parse(Bearer)!.Write());
    }

    [Fact]
    public void A_letter_that_is_wrong_anywhere_is_found()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var whole = new PersonToken(Bearer, AuthorityKey.Of(key), false).Write();
        for (var i = 0; i < whole.Length; i++)
        {
            if (i != Bearer.Length) Assert.Null(PersonToken.Parse(whole[..i] + (whole[i] == '7' ? 'Z' : '7') + whole[(i + 1)..]));
        }
        Assert.Null(PersonToken.Parse(whole[..^3]));
        Assert.Null(PersonToken.Parse(Bearer + "."));
    }

    [Fact]
    public void Printed_it_tells_nothing()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        Assert.Equal("[redacted]", $"{new PersonToken(Bearer, AuthorityKey.Of(key), false)}");
    }
}
