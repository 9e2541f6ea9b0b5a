using System.Runtime.InteropServices;
using System.Text.Json;
using Comity.Federation.Audit;
using Comity.Federation.Encodings;
using Comity.Federation.Masking;
using Comity.Federation.Privacy;
using Comity.Federation.Rounds;
using Comity.Federation.Searches;
using Comity.Federation.Sites;
using Comity.Federation.Strategies;
using Comity.Federation.Studies;
using Comity.Tensors.Parameters;
using Comity.Transport.Bodies;
using Comity.Transport.Protocol;

namespace Comity.Transport.Sites;

/// <summary>A study that a site takes part in: does its tasks with what lies in its spool.</summary>
internal sealed class OpenStudy(SiteStudy study, StudySpool spool, LocalProtection? protection, bool releaseLoss)
{
    private readonly Lock _gate = new();
    private readonly LocalVectors _vectors = new();
    private readonly Dictionary<string, Statistics> _agreed = [];
    private readonly Dictionary<(int Repeat, string Agreed), ParameterLayout> _layouts = [];
    private (string Key, Task<Statistics> Numbers)? _counted;
    private readonly StudySection _section = study.Section ?? throw new ArgumentException("A study that was refused has no tasks.", nameof(study));
    private readonly ISiteWork _work = study.Work ?? throw new ArgumentException("A study that was refused has no tasks.", nameof(study));
    private readonly IModelSource _model = study.Model ?? throw new ArgumentException("A study that was refused has no tasks.", nameof(study));

    /// <summary>Does a task whose bodies are in the spool.</summary>
    /// <returns>The answer; where it has a body, it lies at the spool's place for it.</returns>
    public Task<DoneTask> DoAsync(SiteTask task, TaskMeter meter, CancellationToken cancellationToken) => task.Kind switch
    {
        TaskKind.Statistics => StatisticsAsync(task, WireJson.Read<StatisticsWork>(task.Content), cancellationToken),
        TaskKind.Start => StartAsync(task, WireJson.Read<StartWork>(task.Content), cancellationToken),
        TaskKind.Train => TrainAsync(task, WireJson.Read<TrainWork>(task.Content), meter, cancellationToken),
        TaskKind.Round => RoundAsync(task, WireJson.Read<RoundWork>(task.Content), meter, cancellationToken),
        TaskKind.Mask => MaskAsync(task, WireJson.Read<MaskWork>(task.Content), cancellationToken),
        TaskKind.Personalise => PersonaliseAsync(task, WireJson.Read<RoundWork>(task.Content), meter, cancellationToken),
        TaskKind.Evaluate => EvaluateAsync(task, WireJson.Read<EvaluateWork>(task.Content), cancellationToken),
        TaskKind.Count => CountAsync(task, WireJson.Read<CountWork>(task.Content), cancellationToken),
        TaskKind.Compare => CompareAsync(task, WireJson.Read<CompareWork>(task.Content), cancellationToken),
        _ => throw new InvalidDataException($"A study's task can't be {task.Kind}."),
    };

    private async Task<DoneTask> StatisticsAsync(SiteTask task, StatisticsWork work, CancellationToken cancellationToken)
    {
        var asked = new StatisticsTask(work.Repeat, work.Step, Agreed(task));
        var raw = await _work.CollectAsync(asked, cancellationToken).ConfigureAwait(false);
        if (work.FormOnly) return Done(MaskedNumbers.FormOf(raw));
        if (protection is { MasksNumbers: true }) return Refused(RefusalReason.Unprotected, work.Step); // who masks tells no number of its own
        return protection is null ? Done(raw) : Done(protection.Release(asked, raw), charge: protection.StatisticsCharge);
    }

    private async Task<DoneTask> StartAsync(SiteTask task, StartWork work, CancellationToken cancellationToken)
    {
        var start = await _model.StartAsync(work.Repeat, Agreed(task), cancellationToken).ConfigureAwait(false);
        return Done(new StartResult(start.Layout.Entries, start.Task, start.Classes), spool.WriteAnswerBody(task.Key, start.Parameters.Span));
    }

    private async Task<DoneTask> TrainAsync(SiteTask task, TrainWork work, TaskMeter meter, CancellationToken cancellationToken)
    {
        // Under privacy a vector of the coordinator's choice is trained within rounds only, where it is masked or noised.
        if (protection is not null && work.Model != $"local/{_work.Site}") return Refused(RefusalReason.Unprotected, work.Model);
        var result = await _work.TrainAsync(new TrainingTask
        {
            TrainingOverrides = Overrides(work.Setting), Repeat = work.Repeat, Model = work.Model, Round = 0, Agreed = Agreed(task), Parameters = Vector(task, "parameters"),
            Epochs = work.Epochs, EpochsBefore = work.EpochsBefore, Progress = Told(meter),
        }, cancellationToken).ConfigureAwait(false);
        var (kept, body) = Release(task, work.Model, work.Repeat, result.Parameters);
        // Losses are means over records: under differential privacy nobody has noised them, and else their owner says who may see them.
        var noised = protection is { HidesRecords: true };
        var hidden = noised || !releaseLoss;
        var (losses, validation) = hidden ? ([], []) : (result.LossByEpoch, result.ValidationLossByEpoch);
        var stoppedBy = result.LossByEpoch.Any(l => !double.IsFinite(l)) ? "diverged" : result.StoppedBy;
        return Done(new TrainResult(result.Rows, result.Steps, result.LearningRateSum, result.NormalizedSteps, losses, validation, stoppedBy, kept) { Epochs = hidden && !noised ? result.LossByEpoch.Count : 0 }, body);
    }

    private async Task<DoneTask> RoundAsync(SiteTask task, RoundWork work, TaskMeter meter, CancellationToken cancellationToken)
    {
        if (Sum(task, work.Statistics, work.Count) is { } sum) return await SumAsync(task, sum, work.Masked, meter, cancellationToken).ConfigureAwait(false);
        var layout = await LayoutAsync(task, work.Repeat, cancellationToken).ConfigureAwait(false);
        var (offer, refusal) = (Offer(task, work, meter, personalising: false) with { Encoding = EncodingOf(work, layout) }, (string?)null);
        if (offer.LayoutDigest == layout.Digest && VectorEncoding.OfModel(_section.FederationOf(work.Model, work.Setting)?.Encoding, layout) is { } written) offer = offer with { Parameters = Read(written, offer.Parameters) };
        if (protection is not null) offer = protection.Protect(offer, work.Setting, layout.Length, work.Masked, out refusal);
        if (refusal is not null) return Refused(refusal, work.Model);
        var channel = LocalChannel.Open(_work, layout, spool.MemoryFolder(work.Model, work.Repeat), _vectors, protection, spool.Vault);
        var sink = new Sink(spool, task.Key, meter);
        var reply = await channel.OfferAsync(offer, sink, cancellationToken).ConfigureAwait(false);
        if (MemoryMarshal.TryGetArray(offer.Parameters, out var lent) && lent.Array is { } vector) _vectors.Return(vector);
        return reply switch
        {
            RoundReply.Delivered delivered => Done(new RoundResult(delivered.Header), sink.Body, protection?.ChargeOf(delivered.Header)),
            RoundReply.Refused refused => Refused(refused.Reason, work.Model),
            _ => throw new InvalidOperationException("Unknown reply."),
        };
    }

    private async Task<DoneTask> MaskAsync(SiteTask task, MaskWork work, CancellationToken cancellationToken)
    {
        if (protection is null) return Refused(RefusalReason.Unprotected, work.Model);
        if (Sum(task, work.Statistics, work.Count) is { } sum) return await SumStepAsync(task, sum, work, cancellationToken).ConfigureAwait(false);
        var layout = await LayoutAsync(task, work.Repeat, cancellationToken).ConfigureAwait(false);
        if (work.LayoutDigest != layout.Digest) return Refused(RefusalReason.WrongShape, work.Model);
        var offer = protection.Protect(new RoundOffer
        {
            Model = work.Model, Repeat = work.Repeat, Round = work.Round, LayoutDigest = work.LayoutDigest, Parameters = default, Agreed = Statistics.None, Epochs = 0,
            Clip = work.Clip is { } clip ? new SiteClip(clip) : null,
        }, work.Setting, layout.Length, work.Masked, out var refusal);
        var reply = refusal is null ? protection.Answer(offer, spool.MemoryFolder(work.Model, work.Repeat), work.Message) : new MaskedReply.Refused(refusal);
        return reply is MaskedReply.Said said ? Done(new MaskResult(MaskedMessages.Write(said))) : Refused(((MaskedReply.Refused)reply).Reason, work.Model);
    }

    private SumTask? Sum(SiteTask task, StatisticsWork? step, CountWork? count) =>
        step is not null ? new SumTask.OfStatistics(new StatisticsTask(step.Repeat, step.Step, Agreed(task)))
        : count is not null ? new SumTask.OfJudging(new CountTask(Judged(task, count.Model, count.Repeat, count.Split), CountsOnly: false)) : null;

    private EvaluationTask Judged(SiteTask task, string model, int repeat, RowSplit split) =>
        new() { Repeat = repeat, Model = model, Agreed = Agreed(task), Parameters = Model(task, "parameters", model, repeat), Split = split };

    private async Task<DoneTask> CountAsync(SiteTask task, CountWork work, CancellationToken cancellationToken)
    {
        var noised = protection is { NoisesMetrics: true };
        // Exact counts leave as a masked sum only, which begins with their form.
        if (!noised && !work.FormOnly) return Refused(RefusalReason.Unprotected, work.Model);
        var asked = new CountTask(Judged(task, work.Model, work.Repeat, work.Split), CountsOnly: noised);
        var raw = await _work.CountAsync(asked, cancellationToken).ConfigureAwait(false);
        return work.FormOnly ? Done(MaskedNumbers.FormOf(raw)) : Done(protection!.Release(asked, raw), charge: protection.MetricsCharge);
    }

    // The numbers themselves, for the offer that follows the keys.
    private async Task<DoneTask> SumAsync(SiteTask task, SumTask sum, MaskedAttempt? attempt, TaskMeter meter, CancellationToken cancellationToken)
    {
        if (protection is null) return Refused(RefusalReason.Unprotected, sum.Id);
        var raw = await CountedAsync(task, sum).WaitAsync(cancellationToken).ConfigureAwait(false);
        var offer = protection.ProtectSum(Offer(sum), raw, attempt, out var refusal);
        if (refusal is not null) return Refused(refusal, sum.Id);
        var sink = new Sink(spool, task.Key, meter);
        var reply = await protection.OpenSum(sum, raw, spool.MemoryFolder(sum.Id, sum.Repeat)).OfferAsync(offer, sink, cancellationToken).ConfigureAwait(false);
        return reply is RoundReply.Delivered delivered ? Done(new RoundResult(delivered.Header), sink.Body, sum is SumTask.OfStatistics ? protection.StatisticsCharge : null) : Refused(((RoundReply.Refused)reply).Reason, sum.Id);
    }

    private async Task<DoneTask> SumStepAsync(SiteTask task, SumTask sum, MaskWork work, CancellationToken cancellationToken)
    {
        if (protection is null) return Refused(RefusalReason.Unprotected, sum.Id);
        var raw = await CountedAsync(task, sum).WaitAsync(cancellationToken).ConfigureAwait(false);
        var offer = protection.ProtectSum(Offer(sum), raw, work.Masked, out var refusal);
        var reply = refusal is null ? protection.Answer(offer, spool.MemoryFolder(sum.Id, sum.Repeat), work.Message) : new MaskedReply.Refused(refusal);
        return reply is MaskedReply.Said said ? Done(new MaskResult(MaskedMessages.Write(said))) : Refused(((MaskedReply.Refused)reply).Reason, sum.Id);
    }

    private static RoundOffer Offer(SumTask sum) => new()
    {
        Model = sum.Id, Repeat = sum.Repeat, Round = 0, LayoutDigest = "", Parameters = default, Agreed = Statistics.None, Epochs = 0, Sum = sum,
    };

    // A masked sum has several steps, and each of them needs the form at least: counted once.
    private Task<Statistics> CountedAsync(SiteTask task, SumTask sum)
    {
        lock (_gate)
        {
            var key = FormattableString.Invariant($"{sum.Id}/{sum.Repeat}/{task.Body("agreed")?.Digest}/{task.Body("parameters")?.Digest}");
            if (_counted is var (counted, numbers) && counted == key && !numbers.IsFaulted) return numbers;
            var counting = Task.Run(async () => await NumbersAsync(sum).ConfigureAwait(false));
            _counted = (key, counting);
            return counting;
        }
    }

    private ValueTask<Statistics> NumbersAsync(SumTask sum) => sum switch
    {
        SumTask.OfStatistics statistics => _work.CollectAsync(statistics.Task, CancellationToken.None),
        SumTask.OfJudging judging => _work.CountAsync(judging.Task, CancellationToken.None),
        _ => throw new InvalidDataException($"A site can't sum {sum.Id}."),
    };

    private async Task<DoneTask> PersonaliseAsync(SiteTask task, RoundWork work, TaskMeter meter, CancellationToken cancellationToken)
    {
        _vectors.Forget(); // the rounds of this model are over
        var layout = await LayoutAsync(task, work.Repeat, cancellationToken).ConfigureAwait(false);
        var channel = LocalChannel.Open(_work, layout, spool.MemoryFolder(work.Model, work.Repeat), vault: spool.Vault);
        var own = await channel.PersonaliseAsync(Offer(task, work, meter, personalising: true) with { Encoding = EncodingOf(work, layout) }, cancellationToken).ConfigureAwait(false);
        var (kept, body) = Release(task, $"{work.Model}+{_work.Site}", work.Repeat, own.Parameters);
        return Done(new TrainResult(0, 0, 0, 0, [], [], null, kept), body);
    }

    private async Task<DoneTask> EvaluateAsync(SiteTask task, EvaluateWork work, CancellationToken cancellationToken)
    {
        _vectors.Forget();
        if (protection is { NoisesMetrics: true }) return Refused(RefusalReason.Unprotected, work.Model);
        var parameters = Model(task, "parameters", work.Model, work.Repeat);
        _vectors.Discarded(parameters.Length); // once this is done
        var result = await _work.EvaluateAsync(new EvaluationTask
        {
            Repeat = work.Repeat, Model = work.Model, Agreed = Agreed(task), Parameters = parameters, Split = work.Split, Detailed = work.Detailed,
        }, cancellationToken).ConfigureAwait(false);
        return Done(Disclosure.Apply(result, study.DisclosureThreshold));
    }

    private async Task<DoneTask> CompareAsync(SiteTask task, CompareWork work, CancellationToken cancellationToken)
    {
        if (protection is { NoisesMetrics: true }) return Refused(RefusalReason.Unprotected, work.Candidate);
        var result = await _work.CompareAsync(new ComparisonTask
        {
            Repeat = work.Repeat, Agreed = Agreed(task),
            Baseline = work.Baseline, BaselineParameters = Model(task, "baseline", work.Baseline, work.Repeat),
            Candidate = work.Candidate, CandidateParameters = Model(task, "candidate", work.Candidate, work.Repeat),
        }, cancellationToken).ConfigureAwait(false);
        return Done(Disclosure.Apply(result, study.DisclosureThreshold));
    }

    // What the study says of the round is read in the site's own copy: the coordinator's word alone changes neither gate nor training.
    private RoundOffer Offer(SiteTask task, RoundWork work, TaskMeter meter, bool personalising)
    {
        var federation = _section.FederationOf(work.Model, work.Setting);
        var training = personalising && federation?.Personalise is FineTuneSection { Training: { } fine } ? fine : federation?.Training;
        var teacher = task.Body("teacher");
        return new RoundOffer
        {
            Model = work.Model, Repeat = work.Repeat, Round = work.Round, LayoutDigest = work.LayoutDigest, Parameters = Vector(task, "parameters", personalising ? null : _vectors.Rent), Agreed = Agreed(task),
            Clip = work.Clip is { } clip ? new SiteClip(clip) : null, Setting = work.Setting, DigestOfChunks = work.DigestOfChunks && protection is null,
            Epochs = work.Epochs, EpochsBefore = work.EpochsBefore, Proximal = work.Proximal, LastContribution = work.LastContribution,
            ServerControl = task.Body("control") is null ? default(ReadOnlyMemory<float>) : Vector(task, "control"),
            Teacher = teacher is null ? null : () => Vector(task, "teacher"),
            Personalise = federation?.Personalise, KeepsOptimizer = federation?.OptimizerState == OptimizerMemory.Kept, TrainingOverrides = training is null ? null : DeclaredJson.Write(training), MaxNorm = federation?.Gate.MaxNorm,
            Progress = Told(meter),
        };
    }

    private VectorEncoding? EncodingOf(RoundWork work, ParameterLayout layout) => VectorEncoding.OfUpdates(_section.FederationOf(work.Model, work.Setting)?.Encoding, layout);

    private float[] Read(VectorEncoding written, ReadOnlyMemory<float> packed)
    {
        var values = _vectors.Rent(written.Parameters);
        written.Read(packed.Span, values);
        if (MemoryMarshal.TryGetArray(packed, out var lent) && lent.Array is { } vector) _vectors.Return(vector);
        return values;
    }

    private Action<TrainingProgress> Told(TaskMeter meter) => protection is { HidesRecords: true } ? p => meter.Trained(p with { Loss = double.NaN }) : meter.Trained;

    private string? Overrides(int? setting)
    {
        if (setting is not { } index) return null;
        var settings = _section.Search is { } search ? SearchSpace.Of(search) : [];
        return index >= 0 && index < settings.Count ? settings[index].TrainingOverrides() : throw new InvalidDataException($"The study has no setting {index}.");
    }

    private async Task<ParameterLayout> LayoutAsync(SiteTask task, int repeat, CancellationToken cancellationToken)
    {
        var key = (repeat, task.Body("agreed")?.Digest ?? "");
        lock (_gate)
        {
            if (_layouts.TryGetValue(key, out var known)) return known;
        }
        var start = await _model.StartAsync(repeat, Agreed(task), cancellationToken).ConfigureAwait(false);
        lock (_gate) return _layouts[key] = start.Layout;
    }

    private Statistics Agreed(SiteTask task)
    {
        if (task.Body("agreed") is not { } body) return Statistics.None;
        lock (_gate)
        {
            // One instance for all tasks: what is encoded with it is found again by it.
            if (!_agreed.TryGetValue(body.Digest, out var agreed))
                _agreed[body.Digest] = agreed = JsonSerializer.Deserialize<Statistics>(spool.ReadBody(body), WireJson.Options) ?? throw new JsonException("Statistics are null.");
            return agreed;
        }
    }

    private float[] Vector(SiteTask task, string name, Func<int, float[]>? vector = null) =>
        task.Body(name) is { } body ? spool.ReadFloats(spool.BodyPath(body), vector) : throw new InvalidDataException($"The task has no body '{name}'.");

    private ReadOnlyMemory<float> Model(SiteTask task, string name, string model, int repeat) =>
        task.Body(name) is null ? spool.ReadFloats(spool.ModelPath(model, repeat)) : Vector(task, name);

    // A model of the site's own leaves only where its policy lets it out; the digest tells everybody which it is.
    private (string? Kept, BodyManifest? Body) Release(SiteTask task, string model, int repeat, ReadOnlyMemory<float> parameters)
    {
        var sha256 = spool.WriteModel(model, repeat, parameters.Span);
        return study.About.OwnModelStays ? (sha256, null) : (null, spool.WriteAnswerBody(task.Key, parameters.Span));
    }

    private static DoneTask Done<T>(T result, BodyManifest? body = null, AuditCharge? charge = null) => new(new SiteAnswer(TaskOutcome.Done, WireJson.ToElement(result), null, null, Charge: charge), body);

    private static DoneTask Refused(string reason, string model) => new(new SiteAnswer(TaskOutcome.Refused, null, null, new ToldProblem(reason, model, Plain(reason), Plain(""), Plain(""))));

    private static ToldText Plain(string text) => new(text, text);

    private sealed class Sink(StudySpool spool, string key, TaskMeter meter) : IUpdateSink
    {
        /// <summary>How the update is cut, once it is there.</summary>
        public BodyManifest? Body { get; private set; }

        public string? Accept(UpdateHeader header, ReadOnlySpan<float> body)
        {
            Body = spool.WriteAnswerBody(key, body, header.ChunkDigests);
            return null;
        }

        public string? AcceptFile(UpdateHeader header, string file) => throw new InvalidOperationException("A site's own rounds come from memory.");

        public void Progressed() => meter.Step();
    }
}
