using System.Buffers.Binary;
using System.Security.Cryptography;
using Comity.SecureAggregation.FixedPoint;
using Comity.SecureAggregation.Graphs;
using Comity.SecureAggregation.Keys;
using Comity.SecureAggregation.Masking;
using Comity.SecureAggregation.Sharing;
using FsCheck;
using FsCheck.Fluent;

namespace Comity.SecureAggregation.Tests;

public sealed class PartsTests
{
    [Fact]
    public void Shares_agree_with_the_published_vector()
    {
        // p = 2³¹ + 11, secret 123456789, coefficients 987654321 and 192837465.
        uint[] expected = [1303948575, 722631632, 526989619, 717022536, 1292730383];
        Assert.Equal(expected, Enumerable.Range(1, 5).Select(x => ShamirSharing.Evaluate([123456789, 987654321, 192837465], (uint)x)));

        var weights = ShamirSharing.Lagrange([2, 4, 5]);
        var secret = new[] { expected[1], expected[3], expected[4] }.Zip(weights).Aggregate(0u, (sum, pair) => PrimeField.Add(sum, PrimeField.Multiply(pair.First, pair.Second)));
        Assert.Equal(123456789u, secret);
    }

    [Fact]
    public void Any_t_shares_join_and_fewer_are_refused() =>
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(40), Prop.ForAll<byte[]>(bytes =>
        {
            if (bytes is null || bytes.Length == 0) return true;
            var copy = (byte[])bytes.Clone();
            var shares = ShamirSharing.Split(new Secret(copy), 3, 6);
            var picked = new[] { 5, 0, 3 }.Select(holder => (holder, shares[holder])).ToList();
            Assert.Throws<ArgumentException>(() => ShamirSharing.Join(picked[..2], 3, bytes.Length));
            Assert.Throws<ArgumentException>(() => ShamirSharing.Join([picked[0], picked[0], picked[1]], 3, bytes.Length));
            return ShamirSharing.Join(picked, 3, bytes.Length)!.Bytes.SequenceEqual(bytes);
        }));

    [Fact]
    public void Two_of_three_shares_say_nothing_about_the_secret()
    {
        // Whatever two shares are seen, every secret is possible: the third point can be chosen to make it so.
        var shares = ShamirSharing.Split(new Secret([42]), 3, 3);
        var seen = shares.Select(share => BinaryPrimitives.ReadUInt32LittleEndian(share)).ToArray();
        var weights = ShamirSharing.Lagrange([1, 2, 3]);
        foreach (var secret in new uint[] { 0, 42, 200 })
        {
            var known = PrimeField.Add(PrimeField.Multiply(seen[0], weights[0]), PrimeField.Multiply(seen[1], weights[1]));
            var third = PrimeField.Multiply(PrimeField.Subtract(secret, known), PrimeField.Invert(weights[2]));
            Assert.Equal(secret, PrimeField.Add(known, PrimeField.Multiply(third, weights[2])));
        }
    }

    [Fact]
    public void A_mask_is_the_AES_counter_stream_and_comes_off_again()
    {
        var seed = new Secret([.. Enumerable.Range(0, 32).Select(i => (byte)i)]);
        var vector = new uint[20_003];
        Apply(masks => masks.Add(seed), vector);

        using var aes = Aes.Create();
        aes.Key = seed.Bytes.ToArray();
        foreach (var word in new[] { 0, 5, 8191, 8192, 20_002 })
        {
            var counter = new byte[16];
            BinaryPrimitives.WriteUInt64BigEndian(counter.AsSpan(8), (ulong)(word / 4));
            var block = aes.EncryptEcb(counter, PaddingMode.None);
            Assert.Equal(BinaryPrimitives.ReadUInt32LittleEndian(block.AsSpan(4 * (word % 4))), vector[word]);
        }

        var other = new Secret([.. Enumerable.Range(0, 32).Select(i => (byte)(3 * i))]);
        Apply(masks => masks.Add(other), vector);
        Apply(masks =>
        {
            masks.Subtract(seed);
            masks.Subtract(other);
        }, vector);
        Assert.All(vector, word => Assert.Equal(0u, word));

        static void Apply(Action<MaskStreams> open, uint[] vector)
        {
            using var masks = new MaskStreams();
            open(masks);
            for (var at = 0; at < vector.Length; at += MaskStreams.ChunkWords) masks.Apply(vector.AsSpan(at, Math.Min(MaskStreams.ChunkWords, vector.Length - at)));
        }
    }

    [Fact]
    public void The_checksum_of_chunks_adds_up_to_that_of_the_vector_and_sees_every_change()
    {
        var random = new Random(2);
        var words = Enumerable.Range(0, 1003).Select(_ => (uint)random.NextInt64(1L << 32)).ToArray();
        var whole = Checksum.Of(words);
        Assert.Equal(whole, unchecked(Checksum.Of(words.AsSpan(0, 37)) + Checksum.Of(words.AsSpan(37, 5), 37) + Checksum.Of(words.AsSpan(42), 42)));
        for (var i = 0; i < words.Length; i++)
        {
            words[i] ^= 1u << (i % 32);
            Assert.NotEqual(whole, Checksum.Of(words));
            words[i] ^= 1u << (i % 32);
        }
    }

    [Fact]
    public void Both_ends_agree_on_a_key_and_a_shared_scalar_gives_the_pair_back()
    {
        using var one = KeyAgreement.Create();
        using var two = KeyAgreement.Create();
        using var again = KeyAgreement.FromScalar(one.ExportScalar());
        Assert.Equal(one.PublicKey, again.PublicKey);
        Assert.True(one.Agree(two.PublicKey, "p", [1]).Matches(two.Agree(one.PublicKey, "p", [1])));
        Assert.False(one.Agree(two.PublicKey, "p", [1]).Matches(two.Agree(one.PublicKey, "p", [2])));
        Assert.False(one.Agree(two.PublicKey, "p", [1]).Matches(two.Agree(one.PublicKey, "q", [1])));
        Assert.False(KeyAgreement.IsPublicKey([4, .. new byte[64]]));
        Assert.Equal("[redacted]", one.ExportScalar().ToString());
    }

    [Fact]
    public void The_derivation_is_HKDF_SHA256_over_the_ECDH_secret()
    {
        using var one = KeyAgreement.Create();
        using var two = KeyAgreement.Create();
        using var raw = ECDiffieHellman.Create(new ECParameters { Curve = ECCurve.NamedCurves.nistP256, D = one.ExportScalar().Bytes.ToArray() });
        using var other = ECDiffieHellman.Create(new ECParameters { Curve = ECCurve.NamedCurves.nistP256, Q = { X = two.PublicKey[1..33], Y = two.PublicKey[33..] } });
        var secret = raw.DeriveRawSecretAgreement(other.PublicKey);

        // RFC 5869 by hand: extract with the salt, expand one block.
        var pseudoRandomKey = HMACSHA256.HashData(new byte[] { 9, 9 }, secret);
        var expected = HMACSHA256.HashData(pseudoRandomKey, (byte[])[.. "purpose"u8, 1]);
        Assert.Equal(expected, one.Agree(two.PublicKey, "purpose", [9, 9]).Bytes.ToArray());
    }

    [Theory]
    [InlineData(8)]
    [InlineData(13)]
    [InlineData(25)]
    [InlineData(32)]
    public void Packed_words_unpack_to_themselves_in_b_bits_each(int bits)
    {
        var random = new Random(bits);
        var words = Enumerable.Range(0, 1001).Select(_ => (uint)random.NextInt64(1L << bits)).ToArray();
        var packed = RingPacking.Pack(words, bits);
        var sum = new uint[words.Length];
        RingPacking.AddTo(sum, packed, bits);
        Assert.Equal((1001 * bits + 7) / 8, packed.Length);
        Assert.Equal(words, sum);
    }

    [Fact]
    public void A_weighted_mean_survives_the_ring_to_within_the_step()
    {
        var encoding = FixedPointEncoding.Choose(clip: 2, maximalWeight: 500, sites: 5, resolution: 1e-6);
        float[][] values = [[1.5f, -2f, 0.25f], [-0.125f, 2f, 1e-3f], [2f, -1f, -1.75f]];
        long[] weights = [500, 3, 120];
        var sum = new uint[4];
        for (var site = 0; site < 3; site++)
        {
            var words = encoding.Encode(values[site], weights[site]);
            for (var i = 0; i < sum.Length; i++) sum[i] = unchecked(sum[i] + words[i]);
        }

        var mean = new float[3];
        Assert.Equal(623, encoding.DecodeMean(sum, 3, mean));
        for (var i = 0; i < 3; i++)
        {
            var plain = Enumerable.Range(0, 3).Sum(site => (double)values[site][i] * weights[site]) / 623;
            Assert.Equal(plain, mean[i], 3 * encoding.Step * 500 / 623 + 1e-6);
        }
    }

    [Fact]
    public void At_the_edge_of_the_range_nothing_wraps()
    {
        var encoding = FixedPointEncoding.Choose(clip: 1, maximalWeight: 1, sites: 7, resolution: 1e-8);
        foreach (var edge in new[] { 1f, -1f })
        {
            var word = encoding.Encode([edge], 1)[1];
            Assert.Equal(7 * encoding.Signed(word), encoding.Signed(unchecked(7 * word)));
            Assert.Equal(edge, encoding.Signed(word) * encoding.Step);
        }
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    [InlineData(1.0001f)]
    [InlineData(-2f)]
    public void A_value_outside_the_clip_is_refused_not_wrapped(float value)
    {
        var encoding = FixedPointEncoding.Choose(1, 1, 4, 1e-6);
        var refused = Assert.Throws<ArgumentException>(() => encoding.Encode([0, value], 1));
        Assert.Contains("Value 1", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_modulus_that_could_wrap_is_refused_with_what_would_fit()
    {
        var refused = Assert.Throws<ArgumentException>(() => FixedPointEncoding.Choose(1, 1, 1000, 1e-9));
        var fitting = double.Parse(refused.Message.Split("resolution of ")[1].Split(" fits")[0], System.Globalization.CultureInfo.InvariantCulture);
        Assert.True(FixedPointEncoding.Choose(1, 1, 1000, fitting).Bits <= 32);
        Assert.Throws<ArgumentException>(() => FixedPointEncoding.Choose(1, 1L << 31, 4, 0.1));
        Assert.Throws<ArgumentOutOfRangeException>(() => FixedPointEncoding.Choose(double.NaN, 1, 4, 0.1));
        Assert.Throws<ArgumentOutOfRangeException>(() => FixedPointEncoding.Choose(1, 10, 4, 0.1).Encode([0], 11));
    }

    // Values of google/federated-compute's own tests.
    [Theory]
    [InlineData(100, 0.45, 0.45, AdversaryModel.SemiHonest, 92, 46)]
    [InlineData(1000, 0.45, 0.45, AdversaryModel.SemiHonest, 822, 417)]
    [InlineData(10, 0.33, 0.33, AdversaryModel.SemiHonest, 8, 4)]
    [InlineData(100, 0.33, 0.33, AdversaryModel.SemiHonest, 68, 34)]
    [InlineData(1000, 0.33, 0.33, AdversaryModel.SemiHonest, 286, 150)]
    [InlineData(10000, 0.33, 0.33, AdversaryModel.SemiHonest, 422, 221)]
    [InlineData(6, 0.33, 0.33, AdversaryModel.SemiHonest, 4, 2)]
    [InlineData(20, 0.33, 0.33, AdversaryModel.SemiHonest, 14, 7)]
    [InlineData(50, 0.33, 0.33, AdversaryModel.SemiHonest, 34, 17)]
    [InlineData(100, 0.3, 0.3, AdversaryModel.LyingCoordinator, 92, 62)]
    [InlineData(1000, 0.3, 0.3, AdversaryModel.LyingCoordinator, 872, 584)]
    [InlineData(10, 0.05, 0.33, AdversaryModel.SemiHonest, 4, 2)]
    [InlineData(100, 0.05, 0.33, AdversaryModel.SemiHonest, 28, 6)]
    [InlineData(1000, 0.05, 0.33, AdversaryModel.SemiHonest, 72, 24)]
    [InlineData(10000, 0.05, 0.33, AdversaryModel.SemiHonest, 86, 29)]
    [InlineData(10, 0.05, 0.33, AdversaryModel.LyingCoordinator, 8, 5)]
    [InlineData(100, 0.05, 0.33, AdversaryModel.LyingCoordinator, 72, 39)]
    [InlineData(1000, 0.05, 0.33, AdversaryModel.LyingCoordinator, 398, 223)]
    [InlineData(10, 0.33, 0.05, AdversaryModel.SemiHonest, 4, 4)]
    [InlineData(100, 0.33, 0.05, AdversaryModel.SemiHonest, 34, 29)]
    [InlineData(1000, 0.33, 0.05, AdversaryModel.SemiHonest, 78, 60)]
    public void Degree_and_threshold_agree_with_the_published_finder(int sites, double colluding, double dropping, AdversaryModel adversary, int degree, int threshold) =>
        Assert.Equal(new GraphParameters(degree, threshold), GraphParameters.Find(sites, colluding, dropping, adversary));

    [Theory]
    [InlineData(100, AdversaryModel.SemiHonest, 99, 51)]
    [InlineData(1000, AdversaryModel.SemiHonest, 286, 150)]
    [InlineData(1000, AdversaryModel.LyingCoordinator, 872, 584)]
    public void Large_cohorts_get_a_sparse_graph_with_a_safe_threshold(int sites, AdversaryModel adversary, int degree, int threshold)
    {
        var plan = Comity.SecureAggregation.Protocol.SecureRoundPlan.For("s", 0, [.. Enumerable.Range(0, sites).Select(i => $"site-{i}")], adversary, 1, 32);
        Assert.Equal((degree, threshold), (plan.Graph.Degree, plan.Threshold));
    }

    [Fact]
    public void Too_few_sites_for_the_fractions_have_no_graph() => Assert.Null(GraphParameters.Find(5, 0.4, 0.4, AdversaryModel.SemiHonest));

    [Fact]
    public void A_Harary_graph_is_regular_symmetric_and_survives_the_loss_of_degree_minus_one_sites()
    {
        var graph = SharingGraph.Harary(11, 4, [.. Enumerable.Range(0, 11).Reverse()]);
        for (var site = 0; site < 11; site++)
        {
            Assert.Equal(4, graph.NeighboursOf(site).Distinct().Count());
            Assert.All(graph.NeighboursOf(site), other => Assert.Contains(site, graph.NeighboursOf(other)));
        }
        for (var a = 0; a < 11; a++)
            for (var b = a + 1; b < 11; b++)
                for (var c = b + 1; c < 11; c++)
                {
                    var left = Enumerable.Range(0, 11).Except([a, b, c]).ToList();
                    var reached = new HashSet<int> { left[0] };
                    var queue = new Queue<int>(reached);
                    while (queue.TryDequeue(out var at))
                    {
                        foreach (var next in graph.NeighboursOf(at).Where(next => left.Contains(next) && reached.Add(next))) queue.Enqueue(next);
                    }
                    Assert.Equal(8, reached.Count);
                }
        Assert.Throws<ArgumentOutOfRangeException>(() => SharingGraph.Harary(11, 3, [.. Enumerable.Range(0, 11)]));
    }
}
