using Comity.Federation.AtRest;
using Comity.Federation.Spool;
using Comity.Testing;

namespace Comity.Federation.Tests.AtRest;

public sealed class SpareFilesTests : IDisposable
{
    private const int Floats = 300_000; // 1.2 MB
    private readonly TempFolder _folder = new();
    private readonly SpareFiles _spares;

    public SpareFilesTests() => _spares = new SpareFiles(_folder.At("spare"));

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_large_file_comes_back_once_and_a_small_one_never()
    {
        Discard("small", (int)SpareFiles.SmallestBytes - 1);
        Discard("large", (int)SpareFiles.SmallestBytes);

        Assert.False(File.Exists(_folder.At("small")) || File.Exists(_folder.At("large")));
        Assert.False(_spares.Reuse(_folder.At("a"), SpareFiles.SmallestBytes - 1)); // what is small is written anew
        Assert.True(new SpareFiles(_folder.At("spare")).Reuse(_folder.At("b"), SpareFiles.SmallestBytes)); // another process
        Assert.Equal(SpareFiles.SmallestBytes, new FileInfo(_folder.At("b")).Length);
        Assert.False(_spares.Reuse(_folder.At("c"), SpareFiles.SmallestBytes));
        _spares.Discard(_folder.At("never was"));
    }

    [Fact]
    public void The_one_that_fits_best_is_taken_and_none_lies_over_what_is_there()
    {
        foreach (var length in new[] { 3 << 20, 2 << 20, 5 << 20 }) Discard($"f{length}", length);

        File.WriteAllText(_folder.At("there"), "kept");
        Assert.False(_spares.Reuse(_folder.At("there"), 2 << 20));
        Assert.Equal("kept", File.ReadAllText(_folder.At("there")));
        Assert.True(_spares.Reuse(_folder.At("a"), 2 << 20));
        Assert.Equal(2 << 20, new FileInfo(_folder.At("a")).Length);
        Assert.Equal(2, Directory.EnumerateFiles(_folder.At("spare")).Count());
    }

    [Fact]
    public void No_more_are_kept_than_a_round_of_many_sites_needs()
    {
        for (var i = 0; i < SpareFiles.Most + 2; i++) Discard($"f{i}", (int)SpareFiles.SmallestBytes);

        Assert.Equal(SpareFiles.Most, Directory.EnumerateFiles(_folder.At("spare")).Count());
        _spares.Clear();
        Assert.False(Directory.Exists(_folder.At("spare")));
        _spares.Clear();
    }

    [Fact]
    public async Task Who_comes_at_the_same_time_gets_a_file_of_his_own()
    {
        for (var i = 0; i < 20; i++) Discard($"f{i}", (int)SpareFiles.SmallestBytes);

        var taken = await Task.WhenAll(Enumerable.Range(0, 40).Select(i => Task.Run(() => _spares.Reuse(_folder.At($"t{i}"), SpareFiles.SmallestBytes))));

        Assert.Equal(20, taken.Count(t => t));
        Assert.Equal(20, Enumerable.Range(0, 40).Count(i => File.Exists(_folder.At($"t{i}"))));
    }

    [Theory]
    [InlineData(Floats)]
    [InlineData(Floats - 1)]
    [InlineData(Floats + 70_001)]
    [InlineData(2 * Floats)]
    public void A_vector_written_over_another_is_whole_and_no_longer(int before)
    {
        FloatFile.Write(_folder.At("before"), Enumerable.Repeat(float.NaN, before).ToArray());
        _spares.Discard(_folder.At("before"));
        var vector = Enumerable.Range(0, Floats).Select(i => i * 0.5f).ToArray();

        var digest = FloatFile.Write(StateVault.Plain, _spares, _folder.At("after"), vector);

        Assert.Empty(Directory.EnumerateFiles(_folder.At("spare")));
        Assert.Equal(FloatFile.Sha256(vector), digest);
        Assert.Equal(vector, FloatFile.Read(StateVault.Plain, _folder.At("after"), 1, Floats, digest)![0]);
    }

    private void Discard(string name, int length)
    {
        using (var file = File.Create(_folder.At(name))) file.SetLength(length);
        _spares.Discard(_folder.At(name));
    }
}
