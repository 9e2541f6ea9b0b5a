using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Comity.SecureAggregation.FixedPoint;
using Comity.SecureAggregation.Graphs;
using Comity.SecureAggregation.Protocol;
using Comity.Testing;

namespace Comity.SecureAggregation.Tests.Protocol;

/// <summary>The rounds in docs/protocol/vectors: any implementation must find the same sums and refuse the same changes. Written anew only with COMITY_APPROVE=1, by playing new rounds.</summary>
public sealed class VectorTests
{
    public static TheoryData<string> Files => ["secure-aggregation-complete.json", "secure-aggregation-signed.json", "secure-aggregation-sparse.json"];

    [Theory]
    [MemberData(nameof(Files))]
    public void The_round_gives_the_sum_that_is_written_and_that_the_vectors_have(string file)
    {
        var round = Read(file);
        Assert.Equal(round.Plan.Digest, round.Plan.Read().DigestBytes.ToArray());
        var (sum, refused) = round.Replay(message => message);
        Assert.Null(refused);
        Assert.Equal(round.Sum, sum);
        var ring = uint.MaxValue >> (32 - round.Plan.Bits);
        for (var i = 0; i < round.Plan.Length; i++)
            Assert.Equal(round.Sum[i], round.Contributors.Aggregate(0u, (total, site) => unchecked(total + round.Vectors[site][i])) & ring);
    }

    [Theory]
    [MemberData(nameof(Files))]
    public void Every_change_that_is_written_is_refused_as_it_is_written(string file)
    {
        var round = Read(file);
        Assert.True(round.Refused.Count >= 5);
        foreach (var bad in round.Refused)
        {
            var changed = 0;
            var (sum, code) = round.Replay(message =>
            {
                var other = Changed(message, bad, round.Contributors);
                if (!ReferenceEquals(other, message)) changed++;
                return other;
            });
            Assert.Equal(1, changed);
            Assert.Null(sum);
            Assert.Equal(bad.Code, code);
        }
    }

    [Theory]
    [MemberData(nameof(Files))]
    public void Masked_vectors_follow_from_the_secrets_by_the_standards_alone(string file)
    {
        // ECDH P-256, HKDF-SHA256 from HMAC (RFC 5869), AES-256 in counter mode from single blocks (SP 800-38A): nothing of the room's own masking.
        var round = Read(file);
        var plan = round.Plan.Read();
        foreach (var input in round.Inputs)
        {
            var own = round.Secrets.Single(s => s.Site == input.Site);
            var words = new uint[plan.Length + 1];
            round.Vectors[input.Site].CopyTo(words, 0);
            words[^1] = Checksum.Of(round.Vectors[input.Site]);
            Mask(words, own.SelfSeed, 1);
            foreach (var other in plan.Graph.NeighboursOf(input.Site))
            {
                var key = round.Adverts.Single(a => a.Site == other).MaskKey;
                using var mine = ECDiffieHellman.Create(new ECParameters { Curve = ECCurve.NamedCurves.nistP256, D = own.MaskScalar });
                using var theirs = ECDiffieHellman.Create(new ECParameters { Curve = ECCurve.NamedCurves.nistP256, Q = { X = key[1..33], Y = key[33..] } });
                var extracted = HMACSHA256.HashData(Statement(round.Plan.Digest, Math.Min(input.Site, other), Math.Max(input.Site, other)), mine.DeriveRawSecretAgreement(theirs.PublicKey));
                Mask(words, HMACSHA256.HashData(extracted, (byte[])[.. "comity/secure-aggregation/v1/mask"u8, 1]), input.Site < other ? 1 : -1);
            }
            Assert.Equal(RingPacking.Pack(words, plan.Bits), input.Packed);
        }
    }

    // SHA-256 over length-prefixed parts: what it is for, the plan, and the two sites.
    private static byte[] Statement(byte[] plan, int low, int high)
    {
        var kind = Encoding.ASCII.GetBytes("comity/secure-aggregation/v1/mask");
        return SHA256.HashData((byte[])[.. Number(kind.Length), .. kind, .. Number(plan.Length), .. plan, .. Number(2), .. Number(low), .. Number(high)]);
    }

    private static byte[] Number(int value)
    {
        var bytes = new byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, value);
        return bytes;
    }

    private static void Mask(uint[] words, byte[] key, int sign)
    {
        using var aes = Aes.Create();
        aes.Key = key;
        var counter = new byte[16];
        for (var i = 0; i < words.Length; i++)
        {
            BinaryPrimitives.WriteUInt64BigEndian(counter.AsSpan(8), (ulong)(i / 4));
            var word = BinaryPrimitives.ReadUInt32LittleEndian(aes.EncryptEcb(counter, PaddingMode.None).AsSpan(4 * (i % 4)));
            words[i] = unchecked(words[i] + (uint)sign * word);
        }
    }

    private static SiteMessage Changed(SiteMessage message, Transcript.Corruption bad, int[] contributors)
    {
        if (message.Site != bad.Site) return message;
        return (message, bad.Message, bad.Field) switch
        {
            (KeyAdvert m, "advert", "maskKey") => m with { MaskKey = Flipped(m.MaskKey, bad.Byte) },
            (KeyAdvert m, "advert", "envelopeKey") => m with { EnvelopeKey = Flipped(m.EnvelopeKey, bad.Byte) },
            (KeyAdvert m, "advert", "signature") => m with { Signature = Flipped(m.Signature, bad.Byte) },
            (MaskedInput m, "input", "packed") => m with { Packed = Flipped(m.Packed, bad.Byte) },
            (SurvivorSignature m, "survivors", "signature") => m with { Signature = Flipped(m.Signature, bad.Byte) },
            (RevealedShares m, "reveal", "selfMask") => m with { SelfMaskShares = m.SelfMaskShares.ToDictionary(s => s.Key, s => s.Key == contributors[0] ? Flipped(s.Value, bad.Byte) : s.Value) },
            (RevealedShares m, "reveal", "maskKey") => m with { MaskKeyShares = m.MaskKeyShares.ToDictionary(s => s.Key, s => Flipped(s.Value, bad.Byte)) },
            _ => message,
        };
    }

    private static byte[] Flipped(byte[] bytes, int at)
    {
        var changed = (byte[])bytes.Clone();
        changed[at] ^= 1;
        return changed;
    }

    private static Transcript Read(string file)
    {
        var path = Repository.At("docs/protocol/vectors/" + file);
        if (Environment.GetEnvironmentVariable("COMITY_APPROVE") == "1" && !File.Exists(path))
        {
            string[] sites = [.. Enumerable.Range(0, file.Contains("sparse", StringComparison.Ordinal) ? 8 : 4).Select(i => $"site-{i}")];
            var (plan, degree) = file switch
            {
                "secure-aggregation-complete.json" => (new SecureRoundPlan("vectors", 1, sites, 3, AdversaryModel.SemiHonest, 9, 32), (int?)null),
                "secure-aggregation-signed.json" => (new SecureRoundPlan("vectors", 2, sites, 3, AdversaryModel.LyingCoordinator, 9, 25), null),
                _ => (new SecureRoundPlan("vectors", 3, sites, 3, AdversaryModel.SemiHonest, 9, 13, 4), 4),
            };
            File.WriteAllText(path, JsonSerializer.Serialize(Transcript.Record(plan, degree, [3]), Transcript.Json));
        }
        return JsonSerializer.Deserialize<Transcript>(File.ReadAllText(path), Transcript.Json)!;
    }
}
