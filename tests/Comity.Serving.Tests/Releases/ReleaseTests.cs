using System.IO.Compression;
using System.Text;
using Comity.Serving.Releases;
using Comity.Testing;

namespace Comity.Serving.Tests.Releases;

public sealed class ReleaseTests
{
    [Fact]
    public void A_release_comes_back_as_it_was_signed()
    {
        using var key = SigningKey.Create();

        var read = Sample.Read(Sample.Bytes(key), Sample.Trusting(key));

        Assert.Equal("heart@1.0.0", read.Manifest.Id);
        Assert.Equal(key.Fingerprint, read.Signer);
        Assert.Equal("weights", Encoding.UTF8.GetString(read[Release.WeightsPart].Span)[..7]);
        Assert.Equal(5, read.Manifest.Parts.Count);
    }

    [Fact]
    public void The_same_content_gives_the_same_bytes_but_for_the_signature()
    {
        using var key = SigningKey.Create();

        Assert.Equal(Sample.Bytes(key).Length, Sample.Bytes(key).Length);
        Assert.Equal(Sample.Read(Sample.Bytes(key), null).Manifest.ToBytes(), Sample.Read(Sample.Bytes(key), null).Manifest.ToBytes());
    }

    [Fact]
    public void Any_zip_program_opens_it()
    {
        using var key = SigningKey.Create();
        using var zip = new ZipArchive(new MemoryStream(Sample.Bytes(key)), ZipArchiveMode.Read);

        Assert.Equal(["manifest.json", "signature.json", "model.safetensors", "preprocessing.json", "statistics.json", "card.en.md", "card.zh-Hans.md"], zip.Entries.Select(e => e.FullName));
        using var reader = new StreamReader(zip.GetEntry("card.en.md")!.Open()); // checks the CRC
        Assert.Equal("# card", reader.ReadToEnd());
    }

    [Fact]
    public void Whichever_byte_is_changed_the_release_is_refused()
    {
        using var key = SigningKey.Create();
        var bytes = Sample.Bytes(key);
        var trusted = Sample.Trusting(key);
        var codes = new HashSet<string>();
        for (var at = 0; at < bytes.Length; at++)
        {
            var changed = (byte[])bytes.Clone();
            changed[at] ^= 0x20; // turns small letters into capitals: the gentlest change that there is
            codes.Add(Assert.Throws<ReleaseRefusedException>(() => Sample.Read(changed, trusted)).Problem.Code);
        }
        Assert.Contains("release-tampered", codes);
        Assert.Contains("release-malformed", codes);
    }

    [Theory]
    [InlineData("manifest.json", "release-signature")]
    [InlineData("signature.json", "release-signature")]
    [InlineData("model.safetensors", "release-tampered")]
    [InlineData("statistics.json", "release-tampered")]
    public void A_part_that_was_changed_together_with_its_checksum_is_refused(string part, string code)
    {
        using var key = SigningKey.Create();
        using var zip = new ZipArchive(new MemoryStream(Sample.Bytes(key)), ZipArchiveMode.Read);
        var parts = zip.Entries.Select(e => KeyValuePair.Create(e.FullName, BytesOf(e))).ToList();
        var changed = parts.First(p => p.Key == part).Value;
        changed[changed.Length / 2] ^= 1;

        Assert.Equal(code, Refusal(Stored(parts)));
    }

    [Fact]
    public void Wherever_it_is_cut_off_the_release_is_refused()
    {
        using var key = SigningKey.Create();
        var bytes = Sample.Bytes(key);
        for (var length = 0; length < bytes.Length; length++)
        {
            var code = Assert.Throws<ReleaseRefusedException>(() => Sample.Read(bytes[..length], null)).Problem.Code;
            Assert.Contains(code, new[] { "release-truncated", "release-foreign" });
        }
    }

    [Fact]
    public void Bytes_behind_the_end_are_refused()
    {
        using var key = SigningKey.Create();

        Assert.Equal("release-malformed", Refusal([.. Sample.Bytes(key), 0]));
    }

    [Fact]
    public void A_signer_whom_nobody_pinned_is_refused_by_fingerprint()
    {
        using var key = SigningKey.Create();
        using var other = SigningKey.Create();

        var refused = Assert.Throws<ReleaseRefusedException>(() => Sample.Read(Sample.Bytes(key), Sample.Trusting(other)));

        Assert.Equal("release-signer", refused.Problem.Code);
        Assert.Contains(key.Fingerprint, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_compressed_archive_is_refused_before_anything_expands()
    {
        using var stream = new MemoryStream();
        using (var zip = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true))
        {
            using var bomb = zip.CreateEntry("manifest.json", CompressionLevel.SmallestSize).Open();
            bomb.Write(new byte[50_000_000]);
        }
        Assert.Equal("release-compressed", Refusal(stream.ToArray()));
    }

    [Theory]
    [InlineData("../../etc/passwd")]
    [InlineData("/etc/passwd")]
    [InlineData(@"..\model.safetensors")]
    [InlineData("models/model.safetensors")]
    public void A_name_that_leads_elsewhere_is_refused(string name) => Assert.Equal("release-entry-unknown", Refusal(Stored([new(name, [1])])));

    [Fact]
    public void A_part_that_stands_twice_is_refused() =>
        Assert.Equal("release-entry-twice", Refusal(Stored([new("manifest.json", [1]), new("manifest.json", [2])])));

    [Fact]
    public void A_part_that_is_missing_is_named() => Assert.Equal("release-part-missing", Refusal(Stored([new("manifest.json", "{}"u8.ToArray())])));

    [Theory]
    [InlineData("")]
    [InlineData("not a zip")]
    public void Something_else_is_refused(string text) => Assert.Equal("release-foreign", Refusal(Encoding.UTF8.GetBytes(text)));

    [Theory]
    [InlineData("heart", true)]
    [InlineData("h", true)]
    [InlineData("Heart", false)]
    [InlineData("-heart", false)]
    [InlineData("../heart", false)]
    [InlineData("heart\n", false)]
    public void Names_that_could_be_something_else_are_no_names(string name, bool good) => Assert.Equal(good, ReleaseManifest.IsName(name));

    [Theory]
    [InlineData("1.0.0", true)]
    [InlineData("1.0.0-rc.1", true)]
    [InlineData("1.0", false)]
    [InlineData("01.0.0", false)]
    [InlineData("1.0.0/..", false)]
    public void Versions_follow_semantic_versioning(string version, bool good) => Assert.Equal(good, ReleaseManifest.IsVersion(version));

    private static string Refusal(byte[] bytes) => Assert.Throws<ReleaseRefusedException>(() => Sample.Read(bytes, null)).Problem.Code;

    private static byte[] BytesOf(ZipArchiveEntry entry)
    {
        using var stream = entry.Open();
        using var bytes = new MemoryStream();
        stream.CopyTo(bytes);
        return bytes.ToArray();
    }

    private static byte[] Stored(IReadOnlyList<KeyValuePair<string, byte[]>> parts)
    {
        using var stream = new MemoryStream();
        StoredZip.Write(stream, parts);
        return stream.ToArray();
    }
}
