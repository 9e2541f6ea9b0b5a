using Comity.Federation.Encodings;
using Comity.Federation.Rounds;
using Comity.Federation.Sites;
using Comity.Testing;

namespace Comity.Federation.Tests.Encodings;

/// <summary>What an encoding loses is not lost: it waits at the site and enters its next update.</summary>
public sealed class ErrorFeedbackTests : IDisposable
{
    private const int Length = 700;
    private readonly TempFolder _folder = new();
    private readonly Wandering _work = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("int8", 256.0 / 254 / 254)] // half a step in each of a block's values
    [InlineData("{ kind: top-k, fraction: 0.05 }", 0.95)]
    public async Task What_was_sent_and_what_still_waits_is_the_sum_of_all_updates(string updates, double left)
    {
        var encoding = Encoded.Of(updates, Length);
        var sent = new double[Length];
        for (var round = 1; round <= 40; round++)
        {
            var arrived = await RoundAsync(encoding, round);
            for (var i = 0; i < Length; i++) sent[i] += arrived[i];
            var waiting = new SiteMemory(_folder.FullPath, null).After(round, Length, n => new float[n])![0];
            for (var i = 0; i < Length; i++) Assert.Equal(_work.Wandered[i], sent[i] + waiting[i], 1e-6 * _work.Longest);
            // ‖x − C(x)‖² ≤ (1 − δ)‖x‖² is what bounds the remainder for good, however long the rounds go on (Karimireddy et al. 2019, Assumption A and Lemma 3).
            var x = arrived.Zip(waiting, (a, w) => (double)a + w).Sum(v => v * v);
            Assert.InRange(waiting.Sum(w => (double)w * w), x * 1e-12, left * x);
        }
    }

    [Fact]
    public async Task A_round_made_again_after_a_crash_sends_the_same_bits()
    {
        var encoding = Encoded.Of("int8", Length);
        for (var round = 1; round <= 3; round++) await RoundAsync(encoding, round);
        var first = await RoundAsync(encoding, 4);
        Assert.Equal(first, await RoundAsync(encoding, 4));
        Assert.NotEqual(first, await RoundAsync(encoding, 5));
    }

    private async Task<float[]> RoundAsync(VectorEncoding encoding, int round)
    {
        var sink = new Caught();
        // A channel anew for each round, as after a crash: all it knows lies in the site's folder.
        var channel = new InProcessChannel(_work, Encoded.Flat(Length), new SiteMemory(_folder.FullPath, null), new WorkSlots(1));
        var reply = await channel.OfferAsync(new RoundOffer
        {
            Model = "federated/x", Repeat = 0, Round = round, LayoutDigest = Encoded.Flat(Length).Digest, Parameters = new float[Length], Agreed = Statistics.None, Epochs = 1, Encoding = encoding, LastContribution = round - 1,
        }, sink, default);
        var delivered = Assert.IsType<RoundReply.Delivered>(reply);
        Assert.Equal((encoding.Name, encoding.PackedLength, Federation.Spool.FloatFile.Sha256(sink.Body)), (delivered.Header.Encoding, delivered.Header.Length, delivered.Header.Sha256));
        return encoding.Unpack(sink.Body);
    }

    /// <summary>A site whose updates follow from the round alone, and which adds them up.</summary>
    private sealed class Wandering : ISiteWork
    {
        private int _round;

        public string Site => "a";

        public double[] Wandered { get; } = new double[Length];

        public float[] Last { get; private set; } = [];

        public double Longest { get; private set; }

        public ValueTask<TrainingResult> TrainAsync(TrainingTask task, CancellationToken cancellationToken)
        {
            Last = Encoded.Values(Length, (ulong)task.Round);
            Longest = Math.Max(Longest, Math.Sqrt(Last.Sum(v => (double)v * v)));
            if (task.Round > _round)
            {
                for (var i = 0; i < Length; i++) Wandered[i] += Last[i];
                _round = task.Round;
            }
            return new(new TrainingResult { Parameters = Last, Rows = 10, Steps = 1, LearningRateSum = 0.1, NormalizedSteps = 1, LossByEpoch = [1] });
        }

        public ValueTask<Statistics> CollectAsync(StatisticsTask task, CancellationToken cancellationToken) => new(Statistics.None);

        public ValueTask<EvaluationResult> EvaluateAsync(EvaluationTask task, CancellationToken cancellationToken) => throw new NotSupportedException();

        public ValueTask<ComparisonResult> CompareAsync(ComparisonTask task, CancellationToken cancellationToken) => throw new NotSupportedException();
    }

    private sealed class Caught : IUpdateSink
    {
        public float[] Body { get; private set; } = [];

        public string? Accept(UpdateHeader header, ReadOnlySpan<float> body)
        {
            Body = body.ToArray();
            return null;
        }

        public string? AcceptFile(UpdateHeader header, string path) => throw new InvalidOperationException("A site in this process sends no files.");

        public void Progressed()
        {
        }
    }
}
