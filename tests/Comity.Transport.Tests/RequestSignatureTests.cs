using System.Security.Cryptography;
using System.Text;
using Comity.Transport.Signing;

namespace Comity.Transport.Tests;

public sealed class RequestSignatureTests
{
    private static readonly DateTimeOffset Now = new(2030, 1, 1, 12, 0, 0, TimeSpan.Zero);

    // RFC 9421, B.1.3 (test-key-ecc-p256) and B.2.4 (Signing a Response Using ecdsa-p256-sha256).
    private const string PublishedKey = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEqIVYZVLCrPZHGHjP17CTW0/+D9Lfw0EkjqF7xB4FivAxzic30tMM4GF+hR6Dxh71Z50VGGdldkkDXZCnTNnoXQ==";
    private const string PublishedSignature = "wNmSUAhwb5LxtOtOpNa6W5xj067m5hFrj0XQ4fvpaCLx0NKocgPquLgyahnzDnDAUy5eCdlYUEkLIj+32oiasw==";

    [Theory]
    [InlineData("200", true)]
    [InlineData("201", false)]
    public void The_signature_base_is_that_of_the_published_vector(string status, bool valid)
    {
        var signed = SignatureBase.Of(
            [
                ("@status", status),
                ("content-type", "application/json"),
                ("content-digest", "sha-512=:mEWXIS7MaLRuGgxOBdODa3xqM1XdEvxoYhvlCFJ41QJgJc4GTsPp29l5oGX69wWdXymyU0rjJuahq4l5aGgfLQ==:"),
                ("content-length", "23"),
            ], "(\"@status\" \"content-type\" \"content-digest\" \"content-length\");created=1618884473;keyid=\"test-key-ecc-p256\"");
        using var key = ECDsa.Create();
        key.ImportSubjectPublicKeyInfo(Convert.FromBase64String(PublishedKey), out _);

        Assert.Equal(valid, key.VerifyData(signed, Convert.FromBase64String(PublishedSignature), HashAlgorithmName.SHA256));
    }

    [Fact]
    public void A_call_is_signed_as_a_whole()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var other = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var (body, changed) = (SHA256.HashData("{}"u8), SHA256.HashData("{ }"u8));
        var call = new RequestSignature("KEY", Now, "e1", 7);
        var signature = call.Sign("POST", "/v1/a?b=c", body, key);
        var publicKey = VerifyingKey.Of(key.ExportSubjectPublicKeyInfo());

        Assert.True(call.Verify("POST", "/v1/a?b=c", body, signature, publicKey));
        Assert.False(call.Verify("PUT", "/v1/a?b=c", body, signature, publicKey));
        Assert.False(call.Verify("POST", "/v1/b?b=c", body, signature, publicKey));
        Assert.False(call.Verify("POST", "/v1/a?b=d", body, signature, publicKey));
        Assert.False(call.Verify("POST", "/v1/a", body, signature, publicKey));
        Assert.False(call.Verify("POST", "/v1/a?b=c", changed, signature, publicKey));
        Assert.False(call.Verify("POST", "/v1/a?b=c", body, signature, VerifyingKey.Of(other.ExportSubjectPublicKeyInfo())));
        Assert.False(call.Verify("POST", "/v1/a?b=c", body, signature, null));
        foreach (var another in new[] { call with { Sequence = 8 }, call with { Epoch = "e2" }, call with { KeyId = "KEX" }, call with { Created = Now.AddSeconds(1) } })
            Assert.False(another.Verify("POST", "/v1/a?b=c", body, signature, publicKey));
    }

    [Fact]
    public void What_is_written_is_read_again_and_nothing_else_is()
    {
        var call = new RequestSignature("ABC123", Now, "e1", 7);
        Assert.Equal(call, RequestSignature.ReadInput(call.Input));

        string[] refused =
        [
            "", "comity=()", call.Input + " ", " " + call.Input, call.Input.Replace("\"@query\" ", "", StringComparison.Ordinal),
            call.Input.Replace(".7\"", ".07\"", StringComparison.Ordinal), call.Input.Replace("created=", "created=0", StringComparison.Ordinal),
            call.Input.Replace(".7\"", ".9223372036854775808\"", StringComparison.Ordinal), call.Input + ";expires=1", new string('x', 10_000),
            call.Input.Replace("comity-v1", "comity-v2", StringComparison.Ordinal), call.Input + ", " + call.Input, call.Input + "\n",
        ];
        Assert.All(refused, text => Assert.Null(RequestSignature.ReadInput(text)));
        Assert.Null(RequestSignature.ReadInput(null));
    }

    [Fact]
    public void A_digest_is_read_in_one_form_only()
    {
        var digest = SHA256.HashData("x"u8);
        Assert.Equal(digest, RequestSignature.ReadDigest(RequestSignature.DigestValue(digest)));
        Assert.Null(RequestSignature.ReadDigest("sha-256=:AAAA:"));
        Assert.Null(RequestSignature.ReadDigest("sha-512=:" + Convert.ToBase64String(digest) + ":"));
        Assert.Null(RequestSignature.ReadDigest(null));
    }

    [Fact]
    public void No_changed_header_is_taken_for_a_signature()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var (publicKey, body) = (VerifyingKey.Of(key.ExportSubjectPublicKeyInfo()), SHA256.HashData([]));
        var call = new RequestSignature("ABC123", Now, "e1", 7);
        var (input, signature) = (call.Input, call.Sign("GET", "/v1/x", body, key));
        var random = new Random(5);
        for (var i = 0; i < 3000; i++)
        {
            var (changedInput, changedSignature) = (Mutate(input, random), Mutate(signature, random));
            if (RequestSignature.ReadInput(changedInput) is { } read && changedInput != input)
                Assert.False(read.Verify("GET", "/v1/x", body, signature, publicKey));
            if (changedSignature != signature) Assert.False(call.Verify("GET", "/v1/x", body, changedSignature, publicKey));
        }
    }

    private static string Mutate(string text, Random random)
    {
        var changed = new StringBuilder(text);
        for (var edits = random.Next(1, 4); edits > 0; edits--)
        {
            var at = random.Next(changed.Length);
            if (random.Next(3) == 0) changed.Remove(at, 1);
            else changed[at] = (char)random.Next(32, 127);
        }
        return changed.ToString();
    }

    [Fact]
    public void A_call_is_accepted_once_in_any_order_and_only_while_it_is_fresh()
    {
        var guard = new ReplayGuard(TimeSpan.FromMinutes(5));
        RequestSignature Call(long sequence, double minutesAgo = 0) => new("KEY", Now.AddMinutes(-minutesAgo), guard.Epoch, sequence);

        Assert.Equal(CallVerdict.Fresh, guard.Judge(Call(10), Now));
        Assert.Equal(CallVerdict.Fresh, guard.Judge(Call(8), Now)); // overtaken, not replayed
        Assert.Equal(CallVerdict.Replayed, guard.Judge(Call(10), Now));
        Assert.Equal(CallVerdict.Replayed, guard.Judge(Call(8), Now));
        Assert.Equal(CallVerdict.Fresh, guard.Judge(Call(8) with { KeyId = "OTHER" }, Now));
        Assert.Equal(CallVerdict.Stale, guard.Judge(Call(11, 5.1), Now));
        Assert.Equal(CallVerdict.Stale, guard.Judge(Call(11, -5.1), Now));
        Assert.Equal(CallVerdict.OtherEpoch, guard.Judge(Call(11) with { Epoch = "before" }, Now));
        Assert.Equal(CallVerdict.OtherEpoch, new ReplayGuard(TimeSpan.FromMinutes(5)).Judge(Call(12), Now));

        // Long after, the numbers are forgotten; then their age speaks against them.
        Assert.Equal(CallVerdict.Fresh, guard.Judge(Call(20) with { Created = Now.AddMinutes(11) }, Now.AddMinutes(11)));
        Assert.Equal(CallVerdict.Stale, guard.Judge(Call(10), Now.AddMinutes(11)));
    }

    [Fact]
    public void A_flood_of_calls_is_forgotten_from_its_oldest_which_then_is_refused()
    {
        var guard = new ReplayGuard(TimeSpan.FromMinutes(5));
        RequestSignature Call(long sequence) => new("KEY", Now, guard.Epoch, sequence);
        for (var i = 1; i <= ReplayGuard.MostPerKey + 10; i++) Assert.Equal(CallVerdict.Fresh, guard.Judge(Call(i), Now));
        for (var i = 1; i <= 20; i++) Assert.Equal(CallVerdict.Replayed, guard.Judge(Call(i), Now));
    }
}
