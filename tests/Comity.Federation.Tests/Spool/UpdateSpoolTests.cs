using Comity.Federation.Spool;
using Comity.Federation.Tests.Aggregation;

namespace Comity.Federation.Tests.Spool;

public sealed class UpdateSpoolTests : IDisposable
{
    private readonly string _path = Path.Combine(Path.GetTempPath(), $"comity-{Guid.NewGuid()}.spool");

    public void Dispose() => File.Delete(_path);

    private static float[] Body(int i) => [i, i + 0.5f, -i];

    private void Write(params int[] sites)
    {
        using var spool = UpdateSpool.Open(_path);
        foreach (var i in sites) spool.Append(UpdatesInMemory.HeaderOf($"s{i}", 3, digest: FloatFile.Sha256(Body(i))), Body(i));
    }

    private List<string> Sites()
    {
        using var spool = UpdateSpool.Open(_path);
        return [.. spool.Headers.Select(h => h.Site)];
    }

    [Fact]
    public void What_was_appended_is_there_after_reopening_and_is_read_in_site_order()
    {
        Write(2, 0, 1);
        using var spool = UpdateSpool.Open(_path);
        var set = spool.InOrder(["s0", "s1", "s2"]);
        var middle = new float[2];
        set.Read(2, 1, middle);
        Assert.Equal([2.5f, -2f], middle);
        Assert.Equal("s1", set.Header(1).Site);
    }

    [Fact]
    public void A_file_cut_anywhere_keeps_the_updates_before_the_cut_and_takes_new_ones()
    {
        Write(0, 1, 2);
        var whole = File.ReadAllBytes(_path);
        var record = whole.Length / 3;
        for (var length = 0; length < whole.Length; length++)
        {
            File.WriteAllBytes(_path, whole[..length]);
            Assert.Equal(length / record, Sites().Count);
        }
        Write(2);
        Assert.Equal(["s0", "s1", "s2"], Sites());
    }

    [Fact]
    public void A_flipped_bit_anywhere_in_the_last_update_drops_it_and_no_other()
    {
        Write(0, 1);
        var whole = File.ReadAllBytes(_path);
        for (var i = whole.Length / 2; i < whole.Length; i++)
        {
            var damaged = (byte[])whole.Clone();
            damaged[i] ^= 0x10;
            File.WriteAllBytes(_path, damaged);
            Assert.Equal(["s0"], Sites());
        }
    }

    [Fact]
    public void A_header_that_lies_about_its_length_is_refused()
    {
        using var spool = UpdateSpool.Open(_path);
        Assert.Throws<ArgumentException>(() => spool.Append(UpdatesInMemory.HeaderOf("a", 2), [1, 2, 3]));
    }
}
