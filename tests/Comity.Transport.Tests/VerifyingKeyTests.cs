using System.Security.Cryptography;
using System.Text;
using Comity.Transport.Signing;

namespace Comity.Transport.Tests;

public sealed class VerifyingKeyTests
{
    [Fact]
    public void Many_threads_judge_by_one_key_at_once()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var other = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var keys = new VerifyingKeys();
        var publicKey = key.ExportSubjectPublicKeyInfo();
        var texts = Enumerable.Range(0, 200).Select(i => Encoding.UTF8.GetBytes($"text {i}")).ToList();
        var own = texts.ConvertAll(t => key.SignData(t, HashAlgorithmName.SHA256));
        var foreign = texts.ConvertAll(t => other.SignData(t, HashAlgorithmName.SHA256));

        Parallel.For(0, texts.Count, new ParallelOptions { MaxDegreeOfParallelism = 8 }, i =>
        {
            var verifying = keys.Of(publicKey)!;
            Assert.True(verifying.Verify(texts[i], own[i]));
            Assert.False(verifying.Verify(texts[i], foreign[i]));
            Assert.False(verifying.Verify(texts[i], own[(i + 1) % texts.Count]));
            Assert.True(verifying.Verify(k => k.VerifyData(texts[i], own[i], HashAlgorithmName.SHA256)));
        });
        Assert.Same(keys.Of(publicKey), keys.Of(publicKey));
        Assert.NotSame(keys.Of(publicKey), keys.Of(other.ExportSubjectPublicKeyInfo()));
    }

    [Fact]
    public void What_is_no_key_of_the_curve_is_none()
    {
        using var larger = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        using var rsa = RSA.Create(2048);
        var keys = new VerifyingKeys();
        Assert.Null(keys.Of(larger.ExportSubjectPublicKeyInfo()));
        Assert.Null(keys.Of(rsa.ExportSubjectPublicKeyInfo()));
        Assert.Null(keys.Of([]));
        Assert.Null(VerifyingKey.Of("no key"u8));
    }

    [Fact]
    public void A_signature_that_is_none_is_refused_and_the_key_goes_on()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var verifying = VerifyingKey.Of(key.ExportSubjectPublicKeyInfo())!;
        Assert.False(verifying.Verify("text"u8, []));
        Assert.False(verifying.Verify("text"u8, new byte[64]));
        Assert.False(verifying.Verify("text"u8, "no DER"u8, DSASignatureFormat.Rfc3279DerSequence));
        Assert.True(verifying.Verify("text"u8, key.SignData("text"u8, HashAlgorithmName.SHA256)));
        Assert.True(verifying.Verify("text"u8, key.SignData("text"u8, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence), DSASignatureFormat.Rfc3279DerSequence));
    }
}
