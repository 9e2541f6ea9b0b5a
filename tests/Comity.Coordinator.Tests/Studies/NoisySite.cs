using System.Security.Cryptography;
using System.Text;
using Comity.Federation.Privacy;
using Comity.Federation.Sites;
using Comity.Privacy.Mechanisms;
using Comity.Privacy.Noise;

namespace Comity.Coordinator.Tests.Studies;

/// <summary>The small linear site with differential privacy whose noise a test can repeat: every record in every step, each gradient clipped.</summary>
internal sealed class NoisySite(string site) : ISiteWork
{
    private readonly LeastSquaresSite _plain = LoopbackFederation.Site(site);
    private readonly int _rows = (60 + (10 * (site[1] - '0'))) * 6 / 10;

    public string Site => site;

    /// <summary>The same stream for the same answer of the same party, in whichever process.</summary>
    public static NoiseStream Noise(string party, string answer) => NoiseStream.Repeatable(SHA256.HashData(Encoding.UTF8.GetBytes($"{party}: {answer}")));

    public ValueTask<TrainingScale> ScaleAsync(int repeat, string? trainingOverrides, CancellationToken cancellationToken) => new(new TrainingScale(_rows, _rows));

    public ValueTask<Statistics> CollectAsync(StatisticsTask task, CancellationToken cancellationToken) =>
        new(new Statistics([new StatisticPart("y/counts", MergeRule.Sum, [_rows, 1], []) { Bound = new RecordBound([1, 1], 1) }]));

    public async ValueTask<TrainingResult> TrainAsync(TrainingTask task, CancellationToken cancellationToken)
    {
        var plain = await _plain.TrainAsync(task with { Destination = default }, cancellationToken);
        if (task.Private is not { } asked) return plain;
        var moved = plain.Parameters.ToArray();
        using (var stream = Noise(site, $"train/{task.Repeat}/{task.Model}/{task.Round}")) new GridGaussian(asked.NoiseMultiplier, asked.ClipNorm / _rows, moved.Length).AddInPlace(moved, stream);
        return plain with { Parameters = moved, Released = new PrivateGradientDescent(1, asked.ClipNorm, asked.NoiseMultiplier, plain.Steps) };
    }

    public ValueTask<Statistics> CountAsync(CountTask task, CancellationToken cancellationToken) => _plain.CountAsync(task, cancellationToken);

    public ValueTask<EvaluationResult> EvaluateAsync(EvaluationTask task, CancellationToken cancellationToken) => _plain.EvaluateAsync(task, cancellationToken);

    public ValueTask<ComparisonResult> CompareAsync(ComparisonTask task, CancellationToken cancellationToken) => _plain.CompareAsync(task, cancellationToken);
}
