using System.Buffers.Binary;
using Comity.Data.Images;
using Comity.Data.Tables;
using Comity.Data.Tests.Vectors;

namespace Comity.Data.Tests.Images;

public sealed class PngDecoderTests
{
    public static TheoryData<string> Names => [.. Vectors.Vectors.Read("images").GetProperty("images").EnumerateArray().Select(i => i.GetProperty("name").GetString()!)];

    [Theory]
    [MemberData(nameof(Names))]
    public void A_picture_has_the_samples_that_Pillow_finds(string name)
    {
        var expected = Vectors.Vectors.Read("images").GetProperty("images").EnumerateArray().First(i => i.GetProperty("name").GetString() == name);
        var picture = PngDecoder.Decode(expected.Bytes("file"));
        Assert.Equal((expected.Number("height"), expected.Number("width"), expected.Number("channels")), (picture.Height, picture.Width, picture.Channels));
        var samples = expected.Bytes("samples");
        // Two ways of rounding a blend with white differ by one at most.
        var tolerance = name.Contains("alpha", StringComparison.Ordinal) || name.Contains("rgba", StringComparison.Ordinal) || name.Contains("transparency", StringComparison.Ordinal) ? 1 : 0;
        for (var i = 0; i < samples.Length; i++) Assert.InRange(picture.Samples[i], samples[i] - tolerance, samples[i] + tolerance);
    }

    [Fact]
    public void Scaling_agrees_with_Pillow_to_its_last_bit()
    {
        var vectors = Vectors.Vectors.Read("images");
        var picture = new Picture(13, 17, 3, vectors.Bytes("colour"));
        foreach (var scaled in vectors.GetProperty("scaled").EnumerateArray())
        {
            var mine = picture.Scaled(scaled.Number("height"), scaled.Number("width"));
            foreach (var (expected, found) in scaled.Bytes("samples").Zip(mine.Samples)) Assert.InRange(found, expected - 1, expected + 1); // Pillow rounds between rows and columns
        }
        foreach (var (expected, found) in vectors.Bytes("grey").Zip(picture.WithChannels(1).Samples)) Assert.InRange(found, expected - 1, expected + 1);
    }

    [Fact]
    public void Every_byte_that_is_changed_is_noticed_or_changes_nothing()
    {
        var file = Vectors.Vectors.Read("images").GetProperty("images")[1].Bytes("file");
        for (var i = 0; i < file.Length; i++)
        {
            var damaged = file.ToArray();
            damaged[i] ^= 0x20;
            var error = Assert.Throws<ContentException>(() => PngDecoder.Decode(damaged));
            Assert.InRange(error.Offset, 0, file.Length);
            Assert.True(error.Offset <= i || error.Code == "png-cut-off", $"Byte {i} was damaged, {error.Offset} was named.");
        }
    }

    [Fact]
    public void A_file_that_is_cut_off_anywhere_is_refused()
    {
        var file = Vectors.Vectors.Read("images").GetProperty("images")[0].Bytes("file");
        for (var length = 0; length < file.Length; length++) Assert.Throws<ContentException>(() => PngDecoder.Decode(file.AsSpan(0, length)));
    }

    [Fact]
    public void A_claim_of_a_huge_picture_takes_no_memory()
    {
        var file = Vectors.Vectors.Read("images").GetProperty("images")[0].Bytes("file");
        BinaryPrimitives.WriteInt32BigEndian(file.AsSpan(16), 1 << 28);
        BinaryPrimitives.WriteUInt32BigEndian(file.AsSpan(29), Crc32.Of(file.AsSpan(12, 17)));
        Assert.Equal("png-size", Assert.Throws<ContentException>(() => PngDecoder.Decode(file)).Code);
    }
}
