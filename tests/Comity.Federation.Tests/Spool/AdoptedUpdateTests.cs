using System.Runtime.InteropServices;
using Comity.Federation.Rounds;
using Comity.Federation.Spool;
using Comity.Testing;

namespace Comity.Federation.Tests.Spool;

public sealed class AdoptedUpdateTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private string Arrived(string name, params float[] body)
    {
        File.WriteAllBytes(_folder.At(name), MemoryMarshal.AsBytes<float>(body).ToArray());
        return _folder.At(name);
    }

    private static UpdateHeader Header(string site, params float[] body) => new()
    {
        Site = site, Round = 1, Length = body.Length, Sha256 = FloatFile.Sha256(body), Rows = 1, Steps = 1, LearningRateSum = 1, NormalizedSteps = 1, Loss = 1,
    };

    [Fact]
    public void Updates_that_came_as_files_and_updates_from_memory_are_read_alike_and_survive_a_crash()
    {
        var path = _folder.At("spool");
        using (var spool = UpdateSpool.Open(path))
        {
            spool.Adopt(Header("b", 4, 5, 6), Arrived("arrived", 4, 5, 6));
            spool.Append(Header("a", 1, 2, 3), (float[])[1, 2, 3]);
        }
        Assert.False(File.Exists(_folder.At("arrived")));

        using var again = UpdateSpool.Open(path);
        var updates = again.InOrder(["a", "b"]);
        var slice = new float[2];
        updates.Read(0, 1, slice);
        Assert.Equal((float[])[2, 3], slice);
        updates.Read(1, 1, slice);
        Assert.Equal((float[])[5, 6], slice);
    }

    [Fact]
    public void A_body_that_was_lost_or_torn_costs_its_own_site_only()
    {
        var path = _folder.At("spool");
        using (var spool = UpdateSpool.Open(path))
        {
            foreach (var site in new[] { "a", "b", "c" }) spool.Adopt(Header(site, 1, 2), Arrived("x", 1, 2));
        }
        File.Delete(path + ".a");
        File.WriteAllBytes(path + ".b", [0, 0, 0, 0, 0, 0, 0, 0]);

        using var again = UpdateSpool.Open(path);
        Assert.Equal("c", Assert.Single(again.Headers).Site);
    }

    [Fact]
    public void A_round_leaves_nothing_behind()
    {
        var path = _folder.At("000001.spool");
        using (var spool = UpdateSpool.Open(path)) spool.Adopt(Header("a", 1), Arrived("x", 1));
        UpdateSpool.Delete(path);
        Assert.Empty(Directory.EnumerateFiles(_folder.FullPath));
    }

    [Theory]
    [InlineData(new float[] { 3, 4, 1 }, 3, 1, null, null, 5.0990195)]
    [InlineData(new float[] { 3, 4, 1, 9, 9, 9 }, 3, 2, 5.2, null, 5.0990195)]
    [InlineData(new float[] { 3, 4, 1 }, 3, 1, 5.0, RefusalReason.NormExceeded, 5.0990195)]
    [InlineData(new float[] { 3, float.NaN, 1 }, 3, 1, null, RefusalReason.NotFinite, double.NaN)]
    [InlineData(new float[] { 3, 4, 1, 0, float.PositiveInfinity, 0 }, 3, 2, null, RefusalReason.NotFinite, double.NaN)]
    [InlineData(new float[] { 3, 4 }, 3, 1, null, RefusalReason.WrongShape, double.NaN)]
    public void The_gate_judges_a_file_as_it_judges_memory(float[] body, int parameters, int parts, double? maxNorm, string? refusal, double norm)
    {
        var (verdict, sha256) = FileGate.Judge(Federation.AtRest.StateVault.Plain, Arrived("x", body), parameters, parts, maxNorm);

        Assert.Equal(refusal, verdict.Refusal);
        Assert.Equal(norm, verdict.Norm, 1e-6);
        Assert.Equal(UpdateGate.Judge(body, parameters, parts, maxNorm).Refusal, verdict.Refusal);
        if (refusal != RefusalReason.WrongShape) Assert.Equal(FloatFile.Sha256(body), sha256);
    }
}
