using System.Collections.Concurrent;
using System.Text.Json;
using Comity.Declarations;
using Comity.Federation.Runs;
using Comity.Federation.Sites;
using Comity.SecureAggregation.Protocol;

namespace Comity.Federation.Tests.Masking;

/// <summary>Shared statistics under masks: the same sums as in the clear, and nothing else at the coordinator.</summary>
public sealed class MaskedStatisticsTests : IDisposable
{
    private const string Rest = "arms: [federated]\nfederation: { rounds: 1, localEpochs: 1 }\n";
    private const string Masked = "privacy: { secureAggregation: true }";

    private readonly RunFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private sealed class Killed : Exception;

    [Theory]
    [InlineData("true")]
    [InlineData("{ adversary: lying-coordinator }")]
    public async Task The_sums_are_those_of_a_run_in_the_clear_and_no_sites_numbers_leave(string masks)
    {
        using var clear = await StudyRun.RunAsync(_folder.Input(Rest, 4, "clear"), default);
        var left = new ConcurrentQueue<Leaving>();
        var log = new ConcurrentQueue<MaskedLine.Left>();
        using var masked = await StudyRun.RunAsync(Input(Rest + $"privacy: {{ secureAggregation: {masks} }}", "masked", log) with { Leaving = left.Enqueue }, default);
        var (expected, found) = (Assert.Single(clear.Agreed(0).Parts), Assert.Single(masked.Agreed(0).Parts));
        Assert.Equal(expected.Name, found.Name);
        Assert.All(expected.Values.Zip(found.Values), v => Assert.Equal(v.First, v.Second, 1e-12 * Math.Abs(v.First)));
        Assert.DoesNotContain(left, l => l is Leaving.OfStatistics);
        var numbers = left.OfType<Leaving.OfNumbers>().Where(n => n.Task is SumTask.OfStatistics).ToList();
        Assert.Equal(["s0", "s1", "s2", "s3"], numbers.Select(n => n.Site).Order());
        Assert.Equal(4, numbers.Select(n => n.Header.Sha256).Distinct().Count());
        Assert.Contains(masked.Results.Warnings, w => w.Code == "statistics-masked");
        Assert.DoesNotContain(masked.Results.Warnings, w => w.Code == "statistics-shared");
    }

    [Theory]
    [InlineData(MaskStep.Keys)]
    [InlineData(MaskStep.Update)]
    [InlineData(MaskStep.Survivors)]
    public async Task A_site_that_falls_silent_stops_the_study_and_the_resumed_one_takes_the_sum_of_all(MaskStep step)
    {
        var silent = true;
        var log = new ConcurrentQueue<MaskedLine.Left>();
        MaskStep SilentAt(string site, int round) => silent && round == 0 && site is ("s1" or "s2") ? step : MaskStep.Never;
        var stopped = await Assert.ThrowsAsync<StudyStoppedException>(() => StudyRun.RunAsync(Input(Rest + Masked, "run", log, SilentAt), default));
        Assert.Equal("masks-sum-incomplete", stopped.Problem.Code);
        Assert.Contains(step == MaskStep.Survivors ? "2 of 4" : "s1", stopped.Problem.Found(System.Globalization.CultureInfo.InvariantCulture), StringComparison.Ordinal);
        silent = false;
        using var resumed = await StudyRun.RunAsync(Input(Rest + Masked, "run", log, SilentAt) with { Resume = true }, default);
        using var whole = await StudyRun.RunAsync(Input(Rest + Masked, "whole", []), default);
        Assert.Equal(JsonSerializer.Serialize(whole.Agreed(0)), JsonSerializer.Serialize(resumed.Agreed(0)));
        Assert.All(log.Where(l => l.What == "Update").GroupBy(l => (l.Site, l.Plan)), g => Assert.Single(g.Select(l => l.Content).Distinct()));
    }

    [Fact]
    public async Task Killed_at_any_write_of_the_sum_it_is_taken_once_and_no_keys_hide_two_vectors()
    {
        var writes = new List<string>();
        using var whole = await StudyRun.RunAsync(Input(Rest + Masked, "whole", []) with { BeforeWrite = w => { lock (writes) writes.Add(w); } }, default);
        var ofSum = writes.IndexOf("agreed");
        Assert.True(ofSum > 8, string.Join(' ', writes));
        for (var kill = 0; kill <= ofSum; kill++)
        {
            var (log, left, folder) = (new ConcurrentQueue<MaskedLine.Left>(), kill, $"killed{kill}");
            await Assert.ThrowsAsync<Killed>(() => StudyRun.RunAsync(Input(Rest + Masked, folder, log) with { BeforeWrite = _ => { if (Interlocked.Decrement(ref left) < 0) throw new Killed(); } }, default));
            using var resumed = await StudyRun.RunAsync(Input(Rest + Masked, folder, log) with { Resume = true }, default);
            Assert.Equal(JsonSerializer.Serialize(whole.Agreed(0)), JsonSerializer.Serialize(resumed.Agreed(0)));
            Assert.All(log.GroupBy(l => (l.Site, l.Plan, l.What)), said => Assert.True(said.Select(s => s.Content).Distinct().Count() == 1, $"Killed before write {kill} ({writes[kill]}): {said.Key} left in two versions."));
        }
    }

    [Fact]
    public async Task A_list_of_what_occurs_is_refused_by_name()
    {
        var sites = Enumerable.Range(0, 4).Select(i => new LeastSquaresSite($"s{i}") { Words = [$"word {i}"] }).ToList();
        var refused = await Assert.ThrowsAsync<InvalidDeclarationException>(() => StudyRun.RunAsync(_folder.Input(RunFolder.Study(Rest + Masked), sites, "run"), default));
        Assert.Equal("masks-statistic", Assert.Single(refused.Problems).Code);
        Assert.Contains("'words'", refused.Problems[0].Found(System.Globalization.CultureInfo.InvariantCulture), StringComparison.Ordinal);
    }

    [Fact]
    public async Task With_noise_of_each_sites_gate_the_masked_sum_is_the_sum_of_what_the_gates_let_out()
    {
        const string Private = "privacy: { secureAggregation: true, differentialPrivacy: { unit: record, epsilon: 8, delta: 1e-3, clip: 1, accountant: rdp } }";
        var sites = RunFolder.Sites(4);
        Comity.Privacy.Noise.NoiseStream Noise(string site, string answer) =>
            Comity.Privacy.Noise.NoiseStream.Repeatable(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes($"{site} {answer}")));
        var clear = new ConcurrentQueue<Leaving>();
        StudyRunInput With(string privacy, string folder) => _folder.Input(RunFolder.Study(Rest + privacy), sites, folder) with
        {
            Sites = [.. sites.Select((s, i) => new Privacy.PrivateSite(s, 36 + (6 * i)))],
            Noise = Noise,
            Leaving = clear.Enqueue,
        };
        using var plain = await StudyRun.RunAsync(With(Private.Replace("secureAggregation: true, ", "", StringComparison.Ordinal), "plain"), default);
        var released = clear.OfType<Leaving.OfStatistics>().Select(l => l.Content.Parts[0].Values[0]).ToList();
        clear.Clear();
        using var masked = await StudyRun.RunAsync(With(Private, "masked"), default);
        Assert.Equal(released.Sum(), masked.Agreed(0).Parts[0].Values[0], 1e-9);
        Assert.Equal(plain.Agreed(0).Parts[0].Values[0], masked.Agreed(0).Parts[0].Values[0], 1e-9);
        // Judging is a release of its own, which this study does not protect.
        Assert.All(clear.OfType<Leaving.OfNumbers>(), l => Assert.Equal(l.Task is SumTask.OfStatistics, l.Charge is not null));
        Assert.Contains(clear, l => l is Leaving.OfNumbers { Task: SumTask.OfStatistics });
    }

    private StudyRunInput Input(string rest, string folder, ConcurrentQueue<MaskedLine.Left> log, Func<string, int, MaskStep>? silentAt = null) =>
        _folder.Input(rest, 4, folder) with { Line = channel => new MaskedLine(channel, log, silentAt ?? ((_, _) => MaskStep.Never)) };
}
