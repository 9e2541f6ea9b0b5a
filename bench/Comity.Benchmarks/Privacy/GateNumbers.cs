using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using Comity.Benchmarks.Federation;
using Comity.Benchmarks.Wire;
using Comity.Declarations;
using Comity.Federation.AtRest;
using Comity.Federation.Audit;
using Comity.Federation.Privacy;
using Comity.Federation.Rounds;
using Comity.Federation.Sites;
using Comity.Federation.Studies;
using Comity.Privacy.Mechanisms;
using Comity.Tensors.Parameters;
using Comity.Transport.Signing;

namespace Comity.Benchmarks.Privacy;

/// <summary>What gate, ledger, signatures and audit logs add to a round of one site, beside the transfer of its update and a bare flush of the disk.</summary>
internal static class GateNumbers
{
    private const int Turns = 40, Counted = 100;

    private static readonly CultureInfo Culture = CultureInfo.InvariantCulture;

    public static int Run(string[] args)
    {
        if (args is ["rounds", var count, var kept, var length])
        {
            using var only = new Scene(int.Parse(length, Culture), kept == "sealed");
            for (var round = 1; round <= int.Parse(count, Culture); round++) only.Protected(round);
            return 0;
        }
        Console.WriteLine(string.Create(Culture, $"| parameters | state | round without, ms | with, ms | overhead, ms | transfer, ms | a flush, ms | demand: 3 flushes + 5 ms + a tenth of the transfer | holds | flushes, of ≤ 3 |"));
        Console.WriteLine("|---:|---|---:|---:|---:|---:|---:|---:|---|---:|");
        var failed = 0;
        foreach (var parameters in new[] { 2_000, 1_000_000, 10_000_000 })
        {
            var transfer = 1000 * Median(Bare.RunAsync(1, 4L * parameters, "put", "1.1", 15).GetAwaiter().GetResult()[0]);
            foreach (var isSealed in new[] { false, true })
            {
                using var scene = new Scene(parameters, isSealed);
                var (bare, guarded, flushes) = (new double[Turns], new double[Turns], new double[Turns]);
                for (var turn = -5; turn < Turns; turn++)
                {
                    // In turns, so that what else the machine does falls on both.
                    var (without, with, flush) = (Milliseconds(() => scene.Plain(turn + 6)), Milliseconds(() => scene.Protected(turn + 6)), Milliseconds(scene.Flush));
                    if (turn >= 0) (bare[turn], guarded[turn], flushes[turn]) = (without, with, flush);
                }
                var (overhead, one) = (Median(guarded) - Median(bare), Median(flushes));
                var (demand, counted) = ((3 * one) + 5 + (transfer / 10), CountFlushes(parameters, isSealed));
                var holds = overhead <= demand && counted is not > 3;
                if (!holds) failed++;
                Console.WriteLine(string.Create(Culture, $"| {parameters:N0} | {(isSealed ? "sealed" : "plain")} | {Median(bare):F2} | {Median(guarded):F2} | {overhead:F2} | {transfer:F1} | {one:F2} | ≤ {demand:F1} | {(holds ? "yes" : "**no**")} | {(counted is { } number ? number.ToString("F2", Culture) : "not counted: no strace")} |"));
            }
        }
        return failed == 0 ? 0 : 1;
    }

    // Counted by the kernel over rounds in a process of their own; what opening and closing costs falls out of the difference.
    private static double? CountFlushes(int parameters, bool isSealed)
    {
        int? Of(int rounds)
        {
            var file = Path.GetTempFileName();
            try
            {
                using var traced = Process.Start("strace", ["-f", "-e", "trace=fsync,fdatasync,msync,sync_file_range", "-o", file, "dotnet", typeof(GateNumbers).Assembly.Location,
                    "private-gate", "rounds", rounds.ToString(Culture), isSealed ? "sealed" : "plain", parameters.ToString(Culture)]);
                traced.WaitForExit();
                return traced.ExitCode == 0 ? File.ReadLines(file).Count(l => l.Contains("sync(", StringComparison.Ordinal) && !l.Contains("resumed", StringComparison.Ordinal)) : null;
            }
            catch (System.ComponentModel.Win32Exception)
            {
                return null;
            }
            finally
            {
                File.Delete(file);
            }
        }
        var many = parameters > 5_000_000 ? 20 : Counted;
        return Of(many + 10) is { } whole && Of(10) is { } opening ? (whole - opening) / (double)many : null;
    }

    private static double Milliseconds(Action work)
    {
        var clock = Stopwatch.StartNew();
        work();
        return clock.Elapsed.TotalMilliseconds;
    }

    private static double Median(double[] values) => values.Order().ElementAt(values.Length / 2);

    /// <summary>One site with all that guards it, and the coordinator's side of its signatures and its log.</summary>
    private sealed class Scene : IDisposable
    {
        private const int ChunkBytes = 4 << 20;

        private readonly string _folder = Directory.CreateTempSubdirectory("comity-gate-").FullName;
        private readonly ECDsa _siteKey = ECDsa.Create(ECCurve.NamedCurves.nistP256), _coordinatorKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        private readonly ParameterLayout _layout;
        private readonly float[] _parameters;
        private readonly PrivacyLedger _ledger;
        private readonly LocalProtection _protection;
        private readonly AuditLog _atSite, _atCoordinator;
        private readonly VerifyingKey _verifying;
        private readonly ISiteChannel _plain, _guarded;
        private readonly FileStream _flushed;
        private readonly StateVault _vault;
        private long _sequence;

        public Scene(int parameters, bool isSealed)
        {
            _layout = new([new("w", [parameters], 0)]);
            _parameters = new float[parameters];
            var problems = new ProblemList();
            var study = SectionReader.Read<StudySection>(DeclaredFile.Parse("""
                study: gate
                contract: {}
                model: none
                markets: { id: us, jurisdiction: US }
                sites: [{ id: s0, market: us }, { id: s1, market: us }]
                arms: federated
                federation: { name: avg, rounds: 500, strategy: fedavg }
                privacy: { differentialPrivacy: { unit: record, epsilon: 8, delta: 1e-5, clip: 1 } }
                """, "bench.yaml", problems)!, problems);
            _vault = StateVault.Open(_folder, isSealed ? StateKey.OfText(Convert.ToHexString(RandomNumberGenerator.GetBytes(32)), "bench", problems) : null);
            problems.ThrowIfErrors();
            var work = new PrivateEcho();
            _ledger = PrivacyLedger.Open(Path.Combine(_folder, "ledger.sqlite"), TimeProvider.System);
            _protection = LocalProtection.OpenAsync(new LocalProtectionInput
            {
                Study = study!, Work = work, StatisticsSteps = [], Run = "bench", DataSet = "rows", Folder = _folder, Vault = _vault, Ledger = _ledger,
            }, CancellationToken.None).GetAwaiter().GetResult()!;
            _atSite = AuditLog.Open(Path.Combine(_folder, "site.jsonl"), "s0", _siteKey, TimeProvider.System);
            _atCoordinator = AuditLog.Open(Path.Combine(_folder, "coordinator.jsonl"), "coordinator", _coordinatorKey, TimeProvider.System);
            _verifying = VerifyingKey.Of(_siteKey.ExportSubjectPublicKeyInfo())!;
            _plain = LocalChannel.Open(work, _layout, Path.Combine(_folder, "memory-plain"), new LocalVectors(), vault: _vault);
            _guarded = LocalChannel.Open(work, _layout, Path.Combine(_folder, "memory"), new LocalVectors(), _protection, _vault);
            _flushed = new FileStream(Path.Combine(_folder, "flushed"), FileMode.Create);
        }

        /// <summary>A round as it is without any of it.</summary>
        public void Plain(int round) => Delivered(_plain, Offer(round));

        /// <summary>The same behind gate and ledger, written down by both parties, its calls signed and judged.</summary>
        public void Protected(int round)
        {
            _atCoordinator.Write(Entry(AuditDirection.Out, "round", "s0", round));
            _atSite.Write(Entry(AuditDirection.In, "round", "coordinator", round));
            var header = Delivered(_guarded, _protection.Protect(Offer(round), null, _layout.Length, null, out _));
            var left = _atSite.Write(Entry(AuditDirection.Out, "update", "coordinator", round) with { Bytes = 4L * header.Length, Sha256 = header.Sha256, Charge = _protection.ChargeOf(header), Ledger = _ledger.Head });
            _atSite.Sync(left.Sequence);
            // Every chunk is a call of its own, and the answer is one.
            for (var call = 0L; call <= 4L * header.Length / ChunkBytes; call++) Signed(header.Sha256);
            if (!_verifying.Verify(key => AuditKey.Verify(key, left.Sha256, left.Signature))) throw new InvalidOperationException("The head does not verify.");
            var arrived = _atCoordinator.Write(Entry(AuditDirection.In, "update", "s0", round) with { Bytes = 4L * header.Length, Sha256 = header.Sha256, Head = left });
            _atCoordinator.Sync(arrived.Sequence);
            _atSite.Write(Entry(AuditDirection.In, AuditKinds.Receipt, "coordinator", round) with { Head = arrived });
        }

        /// <summary>A page that reaches the disk.</summary>
        public void Flush()
        {
            _flushed.Write(new byte[4096]);
            _flushed.Flush(flushToDisk: true);
        }

        public void Dispose()
        {
            foreach (var held in new IDisposable[] { _flushed, _atSite, _atCoordinator, _protection, _ledger, _vault, _siteKey, _coordinatorKey }) held.Dispose();
            Directory.Delete(_folder, recursive: true);
        }

        private void Signed(string digest)
        {
            var body = Convert.FromHexString(digest);
            var request = new RequestSignature("bench", TimeProvider.System.GetUtcNow(), "epoch", ++_sequence);
            if (!request.Verify("PUT", "/v1/bodies", body, request.Sign("PUT", "/v1/bodies", body, _siteKey), _verifying)) throw new InvalidOperationException("The call does not verify.");
        }

        private RoundOffer Offer(int round) => new()
        {
            Model = "federated/avg", Repeat = 0, Round = round, LayoutDigest = _layout.Digest, Parameters = _parameters, Agreed = Statistics.None, Epochs = 1,
        };

        private static UpdateHeader Delivered(ISiteChannel channel, RoundOffer offer) => channel.OfferAsync(offer, new Nowhere(), CancellationToken.None).AsTask().GetAwaiter().GetResult() is RoundReply.Delivered delivered
            ? delivered.Header : throw new InvalidOperationException($"Round {offer.Round} was refused.");

        private static AuditEntry Entry(AuditDirection direction, string kind, string peer, int round) => new() { Direction = direction, Kind = kind, Peer = peer, Study = "bench", What = "federated/avg", Round = round, Rule = direction == AuditDirection.Out ? "all" : "" };
    }

    /// <summary>Where an update goes is the transfer's matter.</summary>
    private sealed class Nowhere : IUpdateSink
    {
        public string? Accept(UpdateHeader header, ReadOnlySpan<float> body) => null;

        public string? AcceptFile(UpdateHeader header, string path) => null;

        public void Progressed()
        {
        }
    }

    /// <summary>A site that gives back what it was given, as privately as it was asked.</summary>
    private sealed class PrivateEcho : ISiteWork
    {
        private readonly QuadraticSite _inner = new("s0", 0, 60);

        public string Site => "s0";

        public ValueTask<TrainingScale> ScaleAsync(int repeat, string? trainingOverrides, CancellationToken cancellationToken) => new(new TrainingScale(60, 60));

        public ValueTask<Statistics> CollectAsync(StatisticsTask task, CancellationToken cancellationToken) => new(Statistics.None);

        public ValueTask<TrainingResult> TrainAsync(TrainingTask task, CancellationToken cancellationToken)
        {
            task.Parameters.CopyTo(task.Destination);
            return new(new TrainingResult
            {
                Parameters = task.Destination, Rows = 60, Steps = 1, LearningRateSum = 0.1, NormalizedSteps = 1, LossByEpoch = [1],
                Released = task.Private is { } asked ? new PrivateGradientDescent(1, asked.ClipNorm, asked.NoiseMultiplier, 1) : null,
            });
        }

        public ValueTask<EvaluationResult> EvaluateAsync(EvaluationTask task, CancellationToken cancellationToken) => _inner.EvaluateAsync(task, cancellationToken);

        public ValueTask<ComparisonResult> CompareAsync(ComparisonTask task, CancellationToken cancellationToken) => _inner.CompareAsync(task, cancellationToken);
    }
}
