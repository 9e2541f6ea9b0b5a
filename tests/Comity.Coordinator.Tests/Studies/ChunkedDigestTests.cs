using System.Runtime.InteropServices;
using Comity.Federation.AtRest;
using Comity.Federation.Rounds;
using Comity.Federation.Spool;
using Comity.Tensors.Randomness;
using Comity.Testing;
using Comity.Transport.Bodies;

namespace Comity.Coordinator.Tests.Studies;

/// <summary>The digest of an update's chunks' digests is that of its body on the wire, however it is read; and a file is judged by it.</summary>
public sealed class ChunkedDigestTests
{
    private const int Chunk = ChunkedDigest.ChunkBytes / sizeof(float);

    public static TheoryData<int> Lengths => [0, 1, Chunk - 1, Chunk, Chunk + 1, (2 * Chunk) + 70_001];

    [Theory, MemberData(nameof(Lengths))]
    public async Task It_is_the_digest_of_the_body_on_the_wire(int length)
    {
        var vector = Vector(length);
        var bytes = MemoryMarshal.AsBytes(vector.AsSpan()).ToArray();
        var manifest = await BodyManifest.DescribeAsync(new MemoryStream(bytes), ChunkedDigest.ChunkBytes, default);

        Assert.Equal(manifest.ChunkDigests, ChunkedDigest.OfChunks(vector));
        Assert.Equal(Convert.ToHexStringLower(manifest.Digest), ChunkedDigest.Of(ChunkedDigest.OfChunks(vector)));
        foreach (var part in new[] { 4093, 1 << 18, ChunkedDigest.ChunkBytes, int.MaxValue })
        {
            using var hash = new BodyHash(ChunkedDigest.Name);
            for (var rest = bytes.AsSpan(); !rest.IsEmpty; rest = rest[Math.Min(part, rest.Length)..]) hash.Append(rest[..Math.Min(part, rest.Length)]);
            Assert.Equal(Convert.ToHexStringLower(manifest.Digest), hash.End());
        }
    }

    [Fact]
    public void A_file_is_judged_by_the_digest_that_its_header_names_and_hashed_only_where_nobody_did()
    {
        using var folder = new TempFolder();
        var vector = Vector(Chunk + 5);
        FloatFile.Write(folder.At("update"), vector);
        var chunks = ChunkedDigest.Of(ChunkedDigest.OfChunks(vector));

        Assert.Equal(FloatFile.Sha256(vector), FileGate.Judge(StateVault.Plain, folder.At("update"), vector.Length, 1, null).Sha256);
        var (verdict, sha256) = FileGate.Judge(StateVault.Plain, folder.At("update"), vector.Length, 1, null, ChunkedDigest.Name);
        Assert.Equal(chunks, sha256);
        Assert.Equal(Math.Sqrt(vector.Sum(x => (double)x * x)), verdict.Norm, 1e-9);
        Assert.Equal((verdict, "proven"), FileGate.Judge(StateVault.Plain, folder.At("update"), vector.Length, 1, null, ChunkedDigest.Name, "proven"));
    }

    [Fact]
    public void A_spool_finds_such_an_update_again_and_drops_it_when_it_was_changed()
    {
        using var folder = new TempFolder();
        var vector = Vector(Chunk + 5);
        var header = new UpdateHeader
        {
            Site = "s0", Round = 1, Length = vector.Length, Sha256 = ChunkedDigest.Of(ChunkedDigest.OfChunks(vector)), DigestOf = ChunkedDigest.Name,
            Rows = 1, Steps = 1, LearningRateSum = 1, NormalizedSteps = 1, Loss = 0,
        };
        FloatFile.Write(folder.At("arrived"), vector);
        using (var spool = UpdateSpool.Open(folder.At("spool"))) spool.Adopt(header, folder.At("arrived"));

        using (var again = UpdateSpool.Open(folder.At("spool"))) Assert.Equal(header, Assert.Single(again.Headers));
        using (var file = File.OpenWrite(folder.At("spool.s0"))) file.Write([1, 2, 3]);
        using (var changed = UpdateSpool.Open(folder.At("spool"))) Assert.Empty(changed.Headers);
    }

    private static float[] Vector(int length)
    {
        var random = Seed.Of(11).ToRandom();
        return [.. Enumerable.Range(0, length).Select(_ => (float)random.NextDouble())];
    }
}
