using System.Runtime.InteropServices;
using Comity.Federation.Rounds;

namespace Comity.Federation.Tests.Encodings;

public sealed class TopKCodecTests
{
    private static string TopK(double fraction) => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{{ kind: top-k, fraction: {fraction} }}");

    [Theory]
    [InlineData(1, 0.01)]
    [InlineData(5, 0.4)]
    [InlineData(1000, 0.1)]
    [InlineData(200_003, 0.01)]
    [InlineData(65_536, 0.5)]
    public void The_largest_of_each_block_arrive_with_every_bit_and_nothing_else_does(int length, double fraction)
    {
        // Few magnitudes, so that many are equal: of these the first count.
        var values = Encoded.Values(length).Select(v => MathF.Round(v * 8) / 8).ToArray();
        var there = Encoded.Of(TopK(fraction), length).There(values);
        for (var block = 0; block < length; block += 65_536)
        {
            var own = values.Skip(block).Take(65_536).ToArray();
            var kept = own.Select((v, i) => (v, i)).OrderByDescending(x => Math.Abs(x.v)).ThenBy(x => x.i).Take((int)Math.Ceiling((fraction * own.Length) - 1e-9)).Select(x => x.i).ToHashSet();
            Assert.Equal(own.Select((v, i) => kept.Contains(i) ? v : 0), there.Skip(block).Take(65_536));
        }
    }

    [Fact]
    public void A_hundredth_of_the_values_takes_a_sixty_sixth_of_the_bytes() =>
        Assert.Equal(656 + 328, Encoded.Of(TopK(0.01), 65_536).PackedLength);

    [Theory]
    [InlineData("repeated")]
    [InlineData("unsorted")]
    [InlineData("out of range")]
    [InlineData("padding")]
    public void Places_that_no_encoder_writes_are_refused_by_name(string what)
    {
        var encoding = Encoded.Of(TopK(0.1), 50);
        var packed = encoding.Pack([.. Enumerable.Range(0, 50).Select(i => i + 1f)]);
        var places = MemoryMarshal.Cast<float, ushort>(packed.AsSpan(5));
        Assert.Equal(new ushort[] { 45, 46, 47, 48, 49, 0 }, places.ToArray());
        if (what == "repeated") places[1] = 45;
        if (what == "unsorted") (places[1], places[2]) = (places[2], places[1]);
        if (what == "out of range") places[4] = 50;
        if (what == "padding") places[5] = 1;
        var values = new float[50];
        Assert.Equal(RefusalReason.MalformedEncoding, encoding.Decode(packed, values));
        Assert.Equal(RefusalReason.MalformedEncoding, Federation.Encodings.EncodedGate.Judge(encoding, packed, null).Refusal);
    }

    [Fact]
    public void A_value_that_is_no_number_is_refused_by_name()
    {
        var encoding = Encoded.Of(TopK(0.1), 50);
        var packed = encoding.Pack([.. Enumerable.Range(0, 50).Select(i => i + 1f)]);
        packed[2] = float.NaN;
        Assert.Equal(RefusalReason.NotFinite, Federation.Encodings.EncodedGate.Judge(encoding, packed, null).Refusal);
    }
}
