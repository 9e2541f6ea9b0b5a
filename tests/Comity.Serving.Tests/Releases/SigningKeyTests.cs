using Comity.Serving.Releases;
using Comity.Testing;

namespace Comity.Serving.Tests.Releases;

public sealed class SigningKeyTests
{
    [Fact]
    public void A_key_is_made_once_and_only_its_owner_may_read_it()
    {
        using var folder = new TempFolder();
        var file = folder.At("keys", "release.pem");
        using var made = SigningKey.OpenOrCreate(file);
        using var opened = SigningKey.OpenOrCreate(file);

        Assert.Equal(made.Fingerprint, opened.Fingerprint);
        if (!OperatingSystem.IsWindows()) Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
        Assert.DoesNotContain("PRIVATE", made.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_key_that_others_can_read_is_not_used()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no such mode.");
        using var folder = new TempFolder();
        var file = folder.At("release.pem");
        SigningKey.OpenOrCreate(file).Dispose();
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead);

        Assert.Equal("key-open-to-others", Assert.Throws<ReleaseRefusedException>(() => SigningKey.OpenOrCreate(file)).Problem.Code);
    }

    [Fact]
    public void A_signature_fits_its_bytes_and_key_alone()
    {
        using var key = SigningKey.Create();
        using var other = SigningKey.Create();
        var signature = key.Sign("order"u8);

        Assert.True(SigningKey.Verify(key.PublicKey, "order"u8, signature));
        Assert.False(SigningKey.Verify(key.PublicKey, "Order"u8, signature));
        Assert.False(SigningKey.Verify(other.PublicKey, "order"u8, signature));
        Assert.False(SigningKey.Verify([.. key.PublicKey, 0], "order"u8, signature));
        Assert.False(SigningKey.Verify([1, 2, 3], "order"u8, signature));
    }
}
