using System.Text;
using Comity.Serving.Feedback;

namespace Comity.Serving.Tests.Feedback;

public sealed class AnswerSealTests
{
    private static readonly byte[] Key = [.. Enumerable.Range(0, 32).Select(i => (byte)i)];
    private static readonly DateTimeOffset When = new(2031, 2, 3, 4, 5, 6, TimeSpan.Zero);

    private static string Seal(AnswerSeal seal, float[] outputs, bool regression = false)
    {
        var id = new byte[AnswerSeal.Longest];
        return Encoding.ASCII.GetString(id, 0, seal.Seal(id, "heart@1.2.0"u8, When, "f\u001f40 – < 65"u8, outputs, regression));
    }

    [Fact]
    public void An_id_tells_its_own_market_all_that_judging_needs()
    {
        using var seal = new AnswerSeal(Key);
        using var replica = new AnswerSeal(Key);

        var answer = replica.Open(Seal(seal, [0.2f, 0.8f]))!;

        Assert.Equal(("heart", "1.2.0", When), (answer.Model, answer.Version, answer.Answered));
        Assert.Equal(["f", "40 – < 65"], answer.Groups);
        Assert.Equal(0.8f, answer.Outputs[1], 1e-5f);
        Assert.Equal(-12.345678f, replica.Open(Seal(seal, [-12.345678f], regression: true))!.Outputs[0]);
    }

    [Fact]
    public void No_two_ids_are_alike_and_none_tells_others_anything()
    {
        using var seal = new AnswerSeal(Key);
        var ids = Enumerable.Range(0, 1000).Select(_ => Seal(seal, [0.2f, 0.8f])).ToList();

        Assert.Equal(1000, ids.Distinct().Count());
        Assert.All(ids, id => Assert.DoesNotContain("heart", Encoding.Latin1.GetString(System.Buffers.Text.Base64Url.DecodeFromChars(id)), StringComparison.Ordinal));
    }

    [Fact]
    public void An_id_that_was_changed_in_any_character_or_made_elsewhere_is_not_known()
    {
        using var seal = new AnswerSeal(Key);
        using var other = new AnswerSeal(new byte[32]);
        var id = Seal(seal, [0.2f, 0.8f]);

        for (var i = 0; i < id.Length; i++)
        {
            var changed = id.ToCharArray();
            changed[i] = changed[i] == 'A' ? 'B' : 'A';
            // The last character of Base64 may hold bits that mean nothing: those may not make another id either.
            Assert.True(seal.Open(new string(changed)) is null || new string(changed)[..^1] == id[..^1]);
        }
        Assert.Null(other.Open(id));
        Assert.All(["", "A", "…", id[..^4], id + "AAAA", new string('A', 5000)], text => Assert.Null(seal.Open(text)));
    }
}
