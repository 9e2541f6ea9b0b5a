using System.Security.Cryptography;
using System.Text.Json;
using Comity.Declarations;
using Comity.Federation.AtRest;
using Comity.Federation.Masking;
using Comity.Federation.Privacy;
using Comity.Federation.Rounds;
using Comity.Federation.Runs;
using Comity.Federation.Sites;
using Comity.Federation.Spool;
using Comity.Tensors.Parameters;
using Comity.Transport.Protocol;

namespace Comity.Coordinator.Studies;

/// <summary>A site of one study behind the network: turns what the study asks into tasks at its desk, and answers into results.</summary>
internal sealed class NetworkSite(string study, BodySource studyFile, BodySource? partners, SiteDesk desk, BodyShelf shelf, SiteLeave leave, TimeSpan? patience, TimeProvider time, StateVault vault) : ISiteWork
{
    private const int MostEpochs = 100_000; // as study.yaml allows
    private readonly BodyShelf _shelf = shelf;
    private readonly SiteDesk _desk = desk;
    private readonly System.Runtime.CompilerServices.ConditionalWeakTable<Statistics, BodySource> _agreed = [];

    // Written by who waits for the site's answer, read by all of the study's trials.
    private volatile JoinResult? _joined;

    public string Site => _desk.Site;

    /// <inheritdoc/>
    public bool TakesPart => _joined is not null && !leave.HasLeft;

    private TimeSpan? Patience => patience;

    /// <summary>Asks the site to take part. It may take as long as it likes: a person may have to start it first.</summary>
    public async Task<JoinResult> JoinAsync(JoinWork work, CancellationToken cancellationToken) =>
        WireJson.Read<JoinResult>(await ContentAsync(TaskKind.Join, work, [], null, null, cancellationToken));

    /// <summary>The site said yes: from now on it is asked for work.</summary>
    public void Enter(JoinResult answer) => _joined = answer;

    public ValueTask<TrainingScale> ScaleAsync(int repeat, string? trainingOverrides, CancellationToken cancellationToken) =>
        _joined?.Scales.FirstOrDefault(s => s.Repeat == repeat && s.Overrides == trainingOverrides) is { } scale ? new(new TrainingScale(scale.Rows, scale.Lot)) : throw Malformed(TaskKind.Join, "no scale");

    public async ValueTask<Statistics> CollectAsync(StatisticsTask task, CancellationToken cancellationToken) =>
        WireJson.Read<Statistics>(await ContentAsync(TaskKind.Statistics, new StatisticsWork(task.Repeat, task.Step) { FormOnly = task.FormOnly }, [("agreed", Agreed(task.Agreed))], patience, null, cancellationToken));

    /// <summary>Asks for a repeat's first weights, which the site makes from the study's seed; they come as a file.</summary>
    public async Task<(StartResult Start, string File)> StartAsync(int repeat, Statistics agreed, CancellationToken cancellationToken)
    {
        var (content, file) = await AskAsync(TaskKind.Start, new StartWork(repeat), [("agreed", Agreed(agreed))], LargestVector, patience, null, Taken, cancellationToken);
        return (WireJson.Read<StartResult>(content), file ?? throw Malformed(TaskKind.Start, "no body"));
    }

    public async ValueTask<TrainingResult> TrainAsync(TrainingTask task, CancellationToken cancellationToken)
    {
        var work = new TrainWork(task.Repeat, task.Model, task.Epochs, task.EpochsBefore, task.Setting);
        var (content, file) = await AskAsync(TaskKind.Train, work, [("agreed", Agreed(task.Agreed)), ("parameters", _shelf.Of(task.Parameters, Name("start", task.Repeat)))], 4L * task.Parameters.Length, patience,
            p => task.Progress?.Invoke(new TrainingProgress(p.Epoch, p.Epochs, p.Loss ?? double.NaN)), Taken, cancellationToken);
        var result = WireJson.Read<TrainResult>(content);
        return new TrainingResult
        {
            Parameters = file is null ? default(ReadOnlyMemory<float>) : VectorFile.Take(vault, file), KeptSha256 = file is null ? Digest(result.KeptSha256, TaskKind.Train) : null,
            Rows = result.Rows, Steps = result.Steps, LearningRateSum = result.LearningRateSum, NormalizedSteps = result.NormalizedSteps,
            LossByEpoch = result.LossByEpoch, EpochsUntold = Math.Clamp(result.Epochs, 0, MostEpochs), ValidationLossByEpoch = result.ValidationLossByEpoch, StoppedBy = result.StoppedBy,
        };
    }

    public async ValueTask<EvaluationResult> EvaluateAsync(EvaluationTask task, CancellationToken cancellationToken)
    {
        var bodies = task.Parameters.IsEmpty ? [("agreed", Agreed(task.Agreed))] : new[] { ("agreed", Agreed(task.Agreed)), ("parameters", _shelf.Of(task.Parameters, Name(task.Model, task.Repeat))) };
        var work = new EvaluateWork(task.Repeat, task.Model, task.Split, task.Detailed);
        try
        {
            return WireJson.Read<EvaluationResult>(await ContentAsync(TaskKind.Evaluate, work, bodies, patience, null, cancellationToken)) with { Predictions = [] };
        }
        catch (SiteGoneException)
        {
            // The others are judged; of this one nothing is known, and the results say why.
            return new EvaluationResult { Rows = 0, Metrics = new Dictionary<string, Estimate>(), Warnings = [leave.HasLeft ? "site-withdrew" : "site-absent"] };
        }
    }

    public async ValueTask<Statistics> CountAsync(CountTask task, CancellationToken cancellationToken)
    {
        var judged = task.Judged;
        var bodies = judged.Parameters.IsEmpty ? [("agreed", Agreed(judged.Agreed))] : new[] { ("agreed", Agreed(judged.Agreed)), ("parameters", _shelf.Of(judged.Parameters, Name(judged.Model, judged.Repeat))) };
        try
        {
            return WireJson.Read<Statistics>(await ContentAsync(TaskKind.Count, new CountWork(judged.Repeat, judged.Model, judged.Split) { FormOnly = task.FormOnly }, bodies, patience, null, cancellationToken));
        }
        catch (SiteGoneException) when (task.FormOnly)
        {
            return Statistics.None; // as in EvaluateAsync: what would be summed is left out
        }
    }

    public async ValueTask<ComparisonResult> CompareAsync(ComparisonTask task, CancellationToken cancellationToken)
    {
        var bodies = new List<(string, BodySource)> { ("agreed", Agreed(task.Agreed)) };
        if (!task.BaselineParameters.IsEmpty) bodies.Add(("baseline", _shelf.Of(task.BaselineParameters, Name(task.Baseline, task.Repeat))));
        if (!task.CandidateParameters.IsEmpty) bodies.Add(("candidate", _shelf.Of(task.CandidateParameters, Name(task.Candidate, task.Repeat))));
        try
        {
            return WireJson.Read<ComparisonResult>(await ContentAsync(TaskKind.Compare, new CompareWork(task.Repeat, task.Baseline, task.Candidate), bodies, patience, null, cancellationToken));
        }
        catch (SiteGoneException)
        {
            return new ComparisonResult(0, []);
        }
    }

    /// <summary>The line for the rounds of one model.</summary>
    public ISiteChannel Channel() => new Line(this, _shelf);

    private float[] TakeVector(string file) => VectorFile.Take(vault, file);

    private BodySource Agreed(Statistics agreed) => _agreed.GetValue(agreed, static a => BodySource.Of(JsonSerializer.SerializeToUtf8Bytes(a, WireJson.Options)));

    private static string Name(string model, int repeat) => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{model} r{repeat}");

    private static long LargestVector => 4L * int.MaxValue;

    private static string? Taken(SiteAnswer answer, string? file) => null;

    private async Task<JsonElement> ContentAsync(
        TaskKind kind, object work, IReadOnlyList<(string, BodySource)> bodies, TimeSpan? lease, Action<TaskProgress>? progress, CancellationToken cancellationToken) =>
        (await AskAsync(kind, work, bodies, 0, lease, progress, Taken, cancellationToken)).Content;

    /// <summary>Asks, waits as long as the site gets on, and settles the answer.</summary>
    private async Task<(JsonElement Content, string? File)> AskAsync(
        TaskKind kind, object work, IReadOnlyList<(string Name, BodySource Body)> bodies, long largestBody, TimeSpan? lease, Action<TaskProgress>? progress,
        Func<SiteAnswer, string?, string?> take, CancellationToken cancellationToken, Action? renewed = null)
    {
        using var silence = lease is { } patient ? new CancellationTokenSource(patient, time) : new CancellationTokenSource();
        using var either = CancellationTokenSource.CreateLinkedTokenSource(silence.Token, leave.Token, cancellationToken);
        if (kind == TaskKind.Join ? leave.HasLeft : !TakesPart) throw new SiteGoneException(Site);
        var renewing = new Lock();
        var over = false;
        void Progressed(TaskProgress? now)
        {
            lock (renewing)
            {
                if (!over && lease is { } again && !silence.IsCancellationRequested) silence.CancelAfter(again);
            }
            renewed?.Invoke();
            if (now is not null) progress?.Invoke(now);
        }
        var task = Task(kind, work, bodies, largestBody, Progressed);
        using var traced = TaskTrace.Follow(task.Task, Site, System.Diagnostics.ActivityKind.Producer);
        _desk.Open(task);
        try
        {
            var arrived = await task.Arrived.WaitAsync(either.Token);
            if (arrived.Answer.Outcome != TaskOutcome.Done)
            {
                task.Settle(null);
                throw new SiteAnswerException(Site, arrived.Answer); // a round makes a refusal of it, all else stops the study
            }
            var refusal = take(arrived.Answer, arrived.BodyFile);
            task.Settle(refusal);
            return (arrived.Answer.Content ?? throw Malformed(kind, "no content"), arrived.BodyFile);
        }
        catch (OperationCanceledException) when (leave.HasLeft && !cancellationToken.IsCancellationRequested)
        {
            throw new SiteGoneException(Site);
        }
        catch (OperationCanceledException) when (silence.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw new StudyStoppedException(Texts.Problem("site-silent", Site, Site, kind, lease!.Value.TotalSeconds));
        }
        catch (JsonException e)
        {
            throw Malformed(kind, e.Message);
        }
        finally
        {
            lock (renewing) over = true;
            _desk.Close(task);
        }
    }

    private OpenTask Task(TaskKind kind, object work, IReadOnlyList<(string Name, BodySource Body)> bodies, long largestBody, Action<TaskProgress?> progressed)
    {
        var all = bodies.Prepend(("study", studyFile)).ToList();
        if (partners is not null) all.Insert(1, ("partners", partners));
        var content = JsonSerializer.SerializeToElement(work, work.GetType(), WireJson.Options);
        var references = all.Select(b => new BodyReference(b.Item1, b.Item2.Digest, b.Item2.Manifest.Length, b.Item2.Manifest.ChunkBytes)).ToList();
        // The key names all that the task says, so a task asked again after a restart meets the answer that was stored for it.
        var key = Convert.ToHexStringLower(SHA256.HashData(JsonSerializer.SerializeToUtf8Bytes(new SiteTask("", study, kind, content, references), WireJson.Options)));
        // What all tasks share is fetched once; small vectors travel along.
        references = [.. references.Select((r, i) => r.Name is "study" or "agreed" or "partners" ? r : r with { Inline = all[i].Item2.Inline(WireJson.LargestInlineBytes) })];
        return new OpenTask(new SiteTask(key, study, kind, content, references), all.DistinctBy(b => b.Item2.Digest).ToDictionary(b => b.Item2.Digest, b => b.Item2, StringComparer.Ordinal), largestBody, progressed);
    }

    private string Digest(string? sha256, TaskKind kind) => sha256 is { Length: 64 } && sha256.All(char.IsAsciiHexDigitLower) ? sha256 : throw Malformed(kind, "no digest of the model that stays at the site");

    private StudyStoppedException Malformed(TaskKind kind, string detail) => new(Texts.Problem("site-answer-malformed", Site, Site, kind, detail));

    /// <summary>Rounds of one model over the network.</summary>
    private sealed class Line(NetworkSite site, BodyShelf shelf) : ISiteChannel
    {
        public string Site => site.Site;

        public async ValueTask<RoundReply> OfferAsync(RoundOffer offer, IUpdateSink sink, CancellationToken cancellationToken)
        {
            var bytes = offer.Masked is { } masked ? 4L * masked.Floats : offer.Encoding is { } encoding ? 4L * encoding.PackedLength : 4L * offer.Parameters.Length * (offer.ServerControl.IsEmpty ? 1 : 2);
            // Who has not called for so long was waited for in an earlier round; it enters again when it is back.
            if (site.Patience is { } patience && site._desk.SeenAgo >= patience) throw new SiteGoneException(Site);
            UpdateHeader? header = null;
            string? Take(SiteAnswer answer, string? file)
            {
                header = WireJson.Read<RoundResult>(answer.Content!.Value).Header;
                if (header.Site != Site) return RefusalReason.NotInvited;
                // Each chunk was checked against a manifest that has this digest; what came inside the message was not.
                var proven = answer.Body is { Inline: null, ChunkBytes: ChunkedDigest.ChunkBytes } body ? body.Digest.ToLowerInvariant() : null;
                return file is null ? RefusalReason.WrongShape : sink.AcceptFile(header, file, proven);
            }
            try
            {
                // The round's own lease stands: it is renewed through the sink.
                await site.AskAsync(TaskKind.Round, Work(offer), Bodies(offer), bytes, null, null, Take, cancellationToken, sink.Progressed);
                return new RoundReply.Delivered(header!);
            }
            catch (SiteAnswerException e)
            {
                return new RoundReply.Refused(e.Answer.Problem?.Code ?? "refused");
            }
        }

        public async ValueTask<MaskedReply> MaskAsync(MaskedStep step, CancellationToken cancellationToken)
        {
            if (site.Patience is { } patience && site._desk.SeenAgo >= patience) throw new SiteGoneException(Site);
            var offer = step.Within ?? throw new ArgumentException("A step over a network belongs to a round.", nameof(step));
            var work = new MaskWork(offer.Repeat, offer.Model, offer.Round, offer.LayoutDigest, offer.Masked!.Attempt!, MaskedMessages.Write(step)) { Setting = offer.Setting, Clip = offer.Clip?.Norm, Statistics = Step(offer), Count = Judging(offer) };
            try
            {
                var (content, _) = await site.AskAsync(TaskKind.Mask, work, offer.Sum is SumTask.OfJudging ? Bodies(offer) : [("agreed", site.Agreed(offer.Agreed))], 0, null, null, Taken, cancellationToken, step.Progressed);
                return MaskedMessages.Read(step, Site, WireJson.Read<MaskResult>(content).Message);
            }
            catch (SiteAnswerException e)
            {
                return new MaskedReply.Refused(e.Answer.Problem?.Code ?? "refused");
            }
            catch (JsonException)
            {
                return new MaskedReply.Refused(MaskedMessages.Malformed);
            }
        }

        public async ValueTask<PersonalModel> PersonaliseAsync(RoundOffer finished, CancellationToken cancellationToken)
        {
            var (content, file) = await site.AskAsync(TaskKind.Personalise, Work(finished), Bodies(finished), 4L * finished.Parameters.Length, site.Patience, null, Taken, cancellationToken);
            return file is null ? new(default, site.Digest(WireJson.Read<TrainResult>(content).KeptSha256, TaskKind.Personalise)) : new(site.TakeVector(file));
        }

        private List<(string, BodySource)> Bodies(RoundOffer offer)
        {
            var bodies = new List<(string, BodySource)> { ("agreed", site.Agreed(offer.Agreed)) };
            if (!offer.Parameters.IsEmpty) bodies.Add(("parameters", shelf.Of(offer.Parameters, offer.Sum is SumTask.OfJudging { Task.Judged: var of } ? Name(of.Model, of.Repeat) : RoundName(offer, "parameters"), offer.ModelEncoding)));
            if (!offer.ServerControl.IsEmpty) bodies.Add(("control", shelf.Of(offer.ServerControl, RoundName(offer, "control"))));
            if (offer.Teacher is { } teacher) bodies.Add(("teacher", BodySource.Of(teacher())));
            return bodies;
        }

        private static string RoundName(RoundOffer offer, string what) => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{offer.Model} r{offer.Repeat} {offer.Round} {what}");

        private static RoundWork Work(RoundOffer offer) =>
            new(offer.Repeat, offer.Model, offer.Round, offer.LayoutDigest, offer.Epochs, offer.EpochsBefore, offer.Proximal, offer.LastContribution)
            {
                DigestOfChunks = offer is { Masked: null, Private: null, Encoding: null }, Setting = offer.Setting, Clip = offer.Clip?.Norm, Masked = offer.Masked?.Attempt, Statistics = Step(offer), Count = Judging(offer),
            };

        private static CountWork? Judging(RoundOffer offer) => offer.Sum is SumTask.OfJudging { Task.Judged: var judged } ? new CountWork(judged.Repeat, judged.Model, judged.Split) : null;

        private static StatisticsWork? Step(RoundOffer offer) => offer.Sum is SumTask.OfStatistics { Task: var task } ? new StatisticsWork(task.Repeat, task.Step) : null;
    }
}

/// <summary>A site answered a task with a no.</summary>
internal sealed class SiteAnswerException(string site, SiteAnswer answer) : Exception($"{site}: {answer.Problem?.Code}")
{
    public string Site => site;

    public SiteAnswer Answer => answer;
}
