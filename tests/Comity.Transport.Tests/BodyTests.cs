using System.Buffers.Binary;
using System.Security.Cryptography;
using Comity.Transport.Bodies;

namespace Comity.Transport.Tests;

public sealed class BodyTests
{
    private const int ChunkBytes = BodyManifest.MinimalChunkBytes;

    private static byte[] Body(int length)
    {
        var bytes = new byte[length];
        new Random(length).NextBytes(bytes);
        return bytes;
    }

    private static async Task<(BodyManifest Manifest, MemoryStream Wire)> SentAsync(byte[] body, IEnumerable<int>? chunks = null)
    {
        var manifest = await BodyManifest.DescribeAsync(new MemoryStream(body), ChunkBytes, default);
        var wire = new MemoryStream();
        foreach (var chunk in chunks ?? Enumerable.Range(0, manifest.Chunks)) await ChunkFrame.WriteAsync(wire, manifest, new MemoryStream(body), chunk, default);
        wire.Position = 0;
        return (manifest, wire);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(ChunkBytes)]
    [InlineData(ChunkBytes + 1)]
    [InlineData(5 * ChunkBytes + 17)]
    public async Task A_body_arrives_whole(int length)
    {
        var body = Body(length);
        var (manifest, wire) = await SentAsync(body);
        var spool = new MemoryStream();
        var receiver = new BodyReceiver(manifest, spool);

        Assert.Equal(ChunkFault.None, (await receiver.ReceiveAsync(wire, default)).Fault);
        Assert.True(receiver.IsComplete);
        Assert.Equal(body, spool.ToArray());
    }

    [Fact]
    public async Task The_whole_digest_is_the_digest_of_the_chunks_digests()
    {
        var body = Body(3000);
        var (manifest, _) = await SentAsync(body);
        byte[] digests = [.. SHA256.HashData(body[..1024]), .. SHA256.HashData(body[1024..2048]), .. SHA256.HashData(body[2048..])];
        Assert.True(manifest.Matches(SHA256.HashData(digests)));
        Assert.False(manifest.Matches(SHA256.HashData(body)));
    }

    [Fact]
    public async Task Chunks_may_come_in_any_order_and_twice()
    {
        var body = Body(4 * ChunkBytes + 3);
        var (manifest, wire) = await SentAsync(body, [3, 0, 4, 0, 2, 1, 4]);
        var spool = new MemoryStream();
        var receiver = new BodyReceiver(manifest, spool);
        Assert.Equal(ChunkFault.None, (await receiver.ReceiveAsync(wire, default)).Fault);
        Assert.Equal(body, spool.ToArray());
    }

    [Fact]
    public async Task A_truncated_stream_keeps_its_whole_chunks_and_goes_on_from_there()
    {
        var body = Body(4 * ChunkBytes);
        var (manifest, wire) = await SentAsync(body);
        for (var cut = 0; cut < wire.Length; cut += 97)
        {
            var spool = new MemoryStream();
            var receiver = new BodyReceiver(manifest, spool);
            var (_, fault) = await receiver.ReceiveAsync(new MemoryStream(wire.ToArray()[..cut]), default);
            var whole = cut / (ChunkBytes + ChunkFrame.HeaderBytes);
            Assert.Equal(cut % (ChunkBytes + ChunkFrame.HeaderBytes) == 0 ? ChunkFault.None : ChunkFault.Truncated, fault);
            Assert.Equal(Enumerable.Range(whole, 4 - whole), receiver.Missing);

            // The process dies here; another one finds the spool.
            var again = new BodyReceiver(manifest, spool);
            await again.ResumeAsync(default);
            Assert.Equal(receiver.Missing, again.Missing);
            var (_, rest) = await SentAsync(body, again.Missing.ToList());
            await again.ReceiveAsync(rest, default);
            Assert.Equal(body, spool.ToArray());
        }
    }

    [Fact]
    public async Task A_spool_that_was_changed_on_disk_is_not_believed()
    {
        var body = Body(3 * ChunkBytes);
        var (manifest, _) = await SentAsync(body);
        var spool = new MemoryStream();
        spool.Write(body);
        spool.GetBuffer()[ChunkBytes + 5] ^= 1;
        var receiver = new BodyReceiver(manifest, spool);
        await receiver.ResumeAsync(default);
        Assert.Equal([1], receiver.Missing);
    }

    [Fact]
    public async Task A_corrupted_chunk_is_refused_by_its_index_and_nothing_of_it_is_stored()
    {
        var body = Body(3 * ChunkBytes);
        var (manifest, wire) = await SentAsync(body);
        wire.GetBuffer()[ChunkFrame.HeaderBytes + ChunkBytes + ChunkFrame.HeaderBytes + 9] ^= 0x10;
        var spool = new MemoryStream();
        var receiver = new BodyReceiver(manifest, spool);
        Assert.Equal((1, ChunkFault.WrongDigest), await receiver.ReceiveAsync(wire, default));
        Assert.Equal([1, 2], receiver.Missing);
        Assert.Equal(ChunkBytes, spool.Length);
    }

    [Fact]
    public async Task Two_chunks_that_changed_places_are_refused()
    {
        var body = Body(3 * ChunkBytes);
        var (manifest, wire) = await SentAsync(body);
        BinaryPrimitives.WriteInt32BigEndian(wire.GetBuffer(), 1);
        Assert.Equal((1, ChunkFault.WrongDigest), await new BodyReceiver(manifest, new MemoryStream()).ReceiveAsync(wire, default));
    }

    [Theory]
    [InlineData(int.MaxValue, ChunkFault.WrongLength)]
    [InlineData(-1, ChunkFault.WrongLength)]
    [InlineData(ChunkBytes + 1, ChunkFault.WrongLength)]
    [InlineData(0, ChunkFault.WrongLength)]
    public async Task A_frame_that_claims_another_length_is_refused_before_its_bytes_are_read(int claimed, ChunkFault expected)
    {
        var (manifest, wire) = await SentAsync(Body(2 * ChunkBytes));
        BinaryPrimitives.WriteInt32BigEndian(wire.GetBuffer().AsSpan(4), claimed);
        Assert.Equal((0, expected), await new BodyReceiver(manifest, new MemoryStream()).ReceiveAsync(wire, default));
        Assert.Equal(ChunkFrame.HeaderBytes, wire.Position);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(-1)]
    [InlineData(int.MinValue)]
    public async Task A_chunk_that_the_body_does_not_have_is_refused(int index)
    {
        var (manifest, wire) = await SentAsync(Body(2 * ChunkBytes));
        BinaryPrimitives.WriteInt32BigEndian(wire.GetBuffer(), index);
        Assert.Equal((index, ChunkFault.UnknownChunk), await new BodyReceiver(manifest, new MemoryStream()).ReceiveAsync(wire, default));
        Assert.Equal(ChunkFault.UnknownChunk, await new BodyReceiver(manifest, new MemoryStream()).StoreAsync(index, new byte[ChunkBytes], default));
    }

    [Fact]
    public void A_manifest_whose_numbers_do_not_fit_is_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new BodyManifest(-1, ChunkBytes, []));
        Assert.Throws<ArgumentOutOfRangeException>(() => new BodyManifest(10, 0, new byte[32]));
        Assert.Throws<ArgumentOutOfRangeException>(() => new BodyManifest(10, int.MaxValue, new byte[32]));
        Assert.Throws<ArgumentOutOfRangeException>(() => new BodyManifest(long.MaxValue, ChunkBytes, new byte[32]));
        Assert.Throws<ArgumentException>(() => new BodyManifest(10, ChunkBytes, new byte[31]));
        Assert.Throws<ArgumentException>(() => new BodyManifest(10, ChunkBytes, new byte[64]));
        Assert.Throws<ArgumentOutOfRangeException>(() => new BodyManifest(10, ChunkBytes, new byte[32]).DigestOf(1));
    }
}
