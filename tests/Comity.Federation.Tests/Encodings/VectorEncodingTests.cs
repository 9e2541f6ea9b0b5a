using Comity.Federation.Aggregation;
using Comity.Federation.Encodings;
using Comity.Federation.Rounds;
using Comity.Federation.Spool;
using Comity.Federation.Strategies;
using Comity.Federation.Tests.Aggregation;
using Comity.Tensors.Parameters;
using Comity.Tensors.Randomness;
using Comity.Testing;

namespace Comity.Federation.Tests.Encodings;

/// <summary>What holds for every encoding.</summary>
public sealed class VectorEncodingTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public static TheoryData<string> All => ["bf16", "fp16", "int8", "{ kind: top-k, fraction: 0.02 }"];

    public void Dispose() => _folder.Dispose();

    // Longer than what is packed in one go, with running statistics in the middle and lengths that fill no block.
    private static ParameterLayout Layout { get; } = new(
    [
        new("w", [70_001], 0), new("mean", [37], 70_001, ParameterRole.BatchNormStatistic), new("variance", [37], 70_038, ParameterRole.BatchNormStatistic), new("v", [131_073], 70_075), new("b", [3], 201_148, ParameterRole.Bias),
    ]);

    [Fact]
    public void Float32_is_no_encoding() => Assert.Null(VectorEncoding.OfUpdates(Encoded.Section("updates: float32"), Layout));

    [Theory, MemberData(nameof(All))]
    public void Running_statistics_arrive_with_every_bit(string updates)
    {
        var values = Encoded.Values(Layout.Length);
        var there = Encoded.Of(updates, Layout).There(values);
        Assert.Equal(values[70_001..70_075], there[70_001..70_075]);
        Assert.NotEqual(values[..70_001], there[..70_001]);
        Assert.NotEqual(values[70_075..], there[70_075..]);
    }

    [Theory, MemberData(nameof(All))]
    public void Any_slice_reads_as_the_whole_does(string updates)
    {
        var encoding = Encoded.Of(updates, Layout);
        var packed = encoding.Pack(Encoded.Values(Layout.Length));
        var whole = encoding.Unpack(packed);
        var set = new DecodedUpdates(new UpdatesInMemory([packed]), encoding);
        var random = Seed.Of(9).ToRandom();
        (int, int)[] edges = [(0, Layout.Length), (0, 1), (Layout.Length - 1, 1), (70_000, 2), (70_001, 74), (65_535, 2), (70_000, 131_000)];
        foreach (var (offset, length) in edges.Concat(Enumerable.Range(0, 60).Select(_ => random.NextInt32(Layout.Length)).Select(o => (o, 1 + random.NextInt32(Math.Min(20_000, Layout.Length - o))))))
        {
            var slice = new float[length];
            set.Read(0, offset, slice);
            Assert.Equal(whole.AsSpan(offset, length).ToArray(), slice);
        }
    }

    [Theory]
    [InlineData("bf16")]
    [InlineData("fp16")]
    public void A_model_is_written_part_by_part_as_in_one_go_and_read_as_what_is_left_of_it(string model)
    {
        var encoding = Encoded.OfModel(model, Layout);
        var values = Encoded.Values(Layout.Length);
        var whole = encoding.Pack(values);
        var parts = new float[whole.Length];
        for (var at = 0; at < parts.Length; at += 4099) encoding.Write(values, at, parts.AsSpan(at, Math.Min(4099, parts.Length - at)));
        Assert.Equal(whole.Select(BitConverter.SingleToUInt32Bits), parts.Select(BitConverter.SingleToUInt32Bits));

        var (read, rounded, again) = (new float[Layout.Length], new float[Layout.Length], new float[Layout.Length]);
        encoding.Read(whole, read);
        Assert.Null(encoding.Round(values, rounded));
        Assert.Null(encoding.Round(rounded, again));
        Assert.Equal(read, rounded);
        Assert.Equal(rounded, again);
        Assert.Throws<InvalidDataException>(() => encoding.Read(whole.AsSpan(1), read));
    }

    [Theory, MemberData(nameof(All))]
    public void The_strategy_sees_the_numbers_that_the_bits_stand_for(string updates)
    {
        var encoding = Encoded.Of(updates, Layout);
        float[][] packed = [encoding.Pack(Encoded.Values(Layout.Length, 1)), encoding.Pack(Encoded.Values(Layout.Length, 2)), encoding.Pack(Encoded.Values(Layout.Length, 3))];
        float[] Model(IUpdateSet set)
        {
            var (strategy, model) = (ServerStrategy.Create(new FedAvgSection()), new float[Layout.Length]);
            strategy.Apply(new RoundUpdates(set, [1, 2, 3], Layout.Length), ParameterSegment.Of(Layout), model, strategy.NewStates(Layout.Length), 3);
            return model;
        }
        Assert.Equal(Model(new UpdatesInMemory([.. packed.Select(encoding.Unpack)])), Model(new DecodedUpdates(new UpdatesInMemory(packed), encoding)));
    }

    [Theory, MemberData(nameof(All))]
    public void The_gate_judges_the_numbers_and_digests_the_bytes_in_memory_as_in_a_file(string updates)
    {
        var encoding = Encoded.Of(updates, Layout);
        var packed = encoding.Pack(Encoded.Values(Layout.Length));
        var norm = Math.Sqrt(encoding.Unpack(packed).Sum(v => (double)v * v));
        FloatFile.Write(_folder.At("x"), packed);

        var memory = EncodedGate.Judge(encoding, packed, null);
        var (file, sha256) = EncodedGate.Judge(encoding, Federation.AtRest.StateVault.Plain, _folder.At("x"), null);

        Assert.Equal(norm, memory.Norm, norm * 1e-12);
        Assert.Equal(memory, file);
        Assert.Equal(FloatFile.Sha256(packed), sha256);
        Assert.Equal(RefusalReason.NormExceeded, EncodedGate.Judge(encoding, packed, norm * 0.99).Refusal);
        Assert.Equal(RefusalReason.NormExceeded, EncodedGate.Judge(encoding, Federation.AtRest.StateVault.Plain, _folder.At("x"), norm * 0.99).Verdict.Refusal);
    }

    [Theory, MemberData(nameof(All))]
    public void A_body_of_another_length_is_refused_by_name(string updates)
    {
        var encoding = Encoded.Of(updates, Layout);
        foreach (var length in new[] { 0, 1, encoding.PackedLength - 1, encoding.PackedLength + 1, Layout.Length })
        {
            FloatFile.Write(_folder.At("x"), new float[length]);
            Assert.Equal(RefusalReason.WrongShape, EncodedGate.Judge(encoding, new float[length], null).Refusal);
            Assert.Equal(RefusalReason.WrongShape, EncodedGate.Judge(encoding, Federation.AtRest.StateVault.Plain, _folder.At("x"), null).Verdict.Refusal);
        }
    }
}
