using Comity.Declarations;
using Comity.Federation.Aggregation;
using Comity.Federation.Encodings;
using Comity.Federation.Privacy;
using Comity.Federation.Results;
using Comity.Federation.Rounds;
using Comity.Federation.Spool;
using Comity.Federation.Stores;
using Comity.Federation.Studies;
using Comity.Tensors.Randomness;

namespace Comity.Federation.Runs;

/// <summary>A model trained together: rounds from a given start, then each site's own model where the study asks for one.</summary>
internal sealed partial class FederatedTrial(RunContext run, RepeatStart start, FederationSection section, string model, string arm)
{
    private readonly StudySection _study = run.Input.Study;
    private readonly ServerStrategy _strategy = ServerStrategy.Create(section.Strategy);
    private readonly string? _overrides = section.Training is null ? null : DeclaredJson.Write(section.Training);
    private readonly VectorEncoding? _modelEncoding = VectorEncoding.OfModel(section.Encoding, start.Model.Layout);
    private readonly VectorEncoding? _encoding = VectorEncoding.OfUpdates(section.Encoding, start.Model.Layout);
    private readonly Dictionary<string, ISiteChannel> _channels = [];
    private readonly Dictionary<string, SiteMemory> _memories = [];
    private Dictionary<string, int> _lastContributions = [];
    private readonly List<string> _order = [.. run.TrainingSites.Select(s => s.Site)];

    /// <summary>Where the rounds start, shape [P]; called once, only if needed. Null: at the first weights.</summary>
    public Func<ReadOnlyMemory<float>>? First { get; init; }

    /// <summary>A model for a site to learn from in a round; null: none.</summary>
    public Func<string, int, Func<ReadOnlyMemory<float>>>? TeacherOf { get; init; }

    /// <summary>Which setting of the federation's search this is, from 0; null: it has none.</summary>
    public int? Setting { get; init; }

    /// <summary>Bytes that crossed borders before the first round.</summary>
    public long BytesBefore { get; init; }

    /// <summary>Rounds to run; a join by averaging has none.</summary>
    public int TotalRounds { get; init; } = section.Rounds;

    private int Parameters => start.Model.Layout.Length;

    /// <summary>Runs the trial from where it stands.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        OpenChannels();
        _lastContributions = LastContributions(run.Store.Rounds(model, start.Repeat));
        var record = run.Store.Model(model, start.Repeat);
        // Personal models still to be made need what the sites remember; where the disk lost it, the rounds are run again.
        if (record is not null && !IsPersonalised() && !Remembered(run.Store.Rounds(model, start.Repeat))) record = null;
        var resumed = record is not null;
        var states = _strategy.NewStates(Parameters);
        var parameters = resumed ? run.Store.Weights(record!.Info) : null;
        if (parameters is null) (parameters, states) = await RoundsAsync(cancellationToken).ConfigureAwait(false);
        if (!resumed) record = Keep(parameters);
        if (section.Personalise is not null) await PersonaliseAsync(parameters, states, cancellationToken).ConfigureAwait(false);
        run.Tell(new StudyEvent.TrialFinished(model, start.Repeat, arm, record!.Info.Seconds, resumed));
    }

    private void OpenChannels()
    {
        foreach (var work in run.TrainingSites)
        {
            if (run.Input.Channels is { } elsewhere)
            {
                _channels[work.Site] = elsewhere(work, start.Model);
                continue;
            }
            var memory = new SiteMemory(run.Store.SiteFolder(work.Site, model, start.Repeat), run.Store.BeforeWrite, run.Store.Vault);
            _memories[work.Site] = memory;
            var channel = new InProcessChannel(work, start.Model.Layout, memory, run.Slots, run.Privacy?.GateOf(work.Site),
                (offer, header) => run.Input.Leaving?.Invoke(new Leaving.OfUpdate(work.Site, offer.Repeat, offer.Model, header) { Charge = run.Privacy?.ChargeOf(header) }), run.Masking?.SiteOf(work.Site, model, start.Repeat),
                run.Privacy is { } privacy ? answer => privacy.NoiseOf(work.Site, answer) : null);
            _channels[work.Site] = run.Input.Line?.Invoke(channel) ?? channel;
        }
    }

    private async Task<(float[] Parameters, float[][] States)> RoundsAsync(CancellationToken cancellationToken)
    {
        var (parameters, states, done) = Recover();
        run.Tell(new StudyEvent.TrialStarted(model, start.Repeat, arm, TotalRounds, done));
        var runner = new RoundRunner(_channels, run.Input.Time, run.Store.BeforeWrite, run.Store.Vault);
        for (var round = done + 1; round <= TotalRounds; round++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            // Before any site is asked: what is sent must not turn into infinity on its way.
            if (_modelEncoding?.Refusal(parameters) is not null) throw new StudyStoppedException(Messages.Problem("model-beyond-encoding", Place.InFile(run.Input.RunFolder), model, round, _modelEncoding.Name));
            await RoundAsync(runner, round, parameters, states, cancellationToken).ConfigureAwait(false);
        }
        return (parameters, states);
    }

    private (float[] Parameters, float[][] States, int Done) Recover()
    {
        var rounds = run.Store.Rounds(model, start.Repeat);
        var done = rounds.Count > 0 ? rounds[^1].Info.Round : 0;
        var remembered = Remembered(rounds);
        if (rounds.Count > 0 && remembered)
        {
            var path = run.Store.Fetch(run.Store.RoundPath(model, start.Repeat, done, "checkpoint"));
            if (FloatFile.Read(run.Store.Vault, path, 1 + _strategy.States, Parameters, rounds[^1].CheckpointSha256) is { } vectors) return (vectors[0], vectors[1..], done);
        }
        if (rounds.Count > 0)
        {
            // The disk lost what its row names (power, not process): everything since the start is deterministic, so it is done again.
            run.Store.Forget(model, start.Repeat);
            _lastContributions.Clear();
            OpenChannels();
        }
        return (First?.Invoke().ToArray() ?? start.Model.Read?.Invoke() ?? start.Model.Parameters.ToArray(), _strategy.NewStates(Parameters), 0);
    }

    private async Task RoundAsync(RoundRunner runner, int round, float[] parameters, float[][] states, CancellationToken cancellationToken)
    {
        if (run.Masking is not null)
        {
            await MaskedRoundAsync(round, parameters, states, cancellationToken).ConfigureAwait(false);
            return;
        }
        var began = run.Input.Time.GetTimestamp();
        var plan = Plan(round);
        var hidden = SiteLevel(plan);
        var spoolPath = run.Store.RoundPath(model, start.Repeat, round, "spool");
        Directory.CreateDirectory(Path.GetDirectoryName(spoolPath)!);
        CoordinatorState ended;
        using (var spool = OpenSpool(spoolPath, round))
        {
            ended = await AskAsync(runner, plan, parameters, states, spool, cancellationToken).ConfigureAwait(false);
            if (ended.Outcome is not RoundOutcome.Aggregated aggregated) throw Stopped(round, ended);
            var arrived = spool.InOrder(aggregated.Sites);
            var updates = _encoding is null ? arrived : new DecodedUpdates(arrived, _encoding);
            if (hidden is null) _strategy.Apply(new RoundUpdates(updates, Weights(updates), Parameters), start.Segments, parameters, states, _order.Count);
            else
            {
                using var mean = new VectorFileSet();
                mean.Add("*", 1, HiddenMean(hidden, round, aggregated.Sites, updates));
                _strategy.Apply(new RoundUpdates(mean, [1], Parameters), start.Segments, parameters, states, _order.Count);
            }
            if (!RunContext.IsFinite(parameters)) throw run.Diverged(model, "*", round);
        }
        Commit(round, plan, ended, hidden is null ? Losses(ended) : (double.NaN, double.NaN), _encoding?.PackedLength ?? _strategy.Parts * Parameters, parameters, states, run.SecondsSince(began));
        run.Store.DeleteSpool(spoolPath);
        hidden?.Delete(round);
        if (round > 1) run.Store.Delete(run.Store.RoundPath(model, start.Repeat, round - 1, "checkpoint"));
    }

    private UpdateSpool OpenSpool(string path, int round)
    {
        var spool = run.Store.OpenSpool(path);
        if (!LooksAfterSites || spool.Headers.All(h => _memories[h.Site].Holds(round, h.Sha256))) return spool;
        // An update without the memory that was written with it: both are made again.
        spool.Dispose();
        run.Store.DeleteSpool(path);
        return run.Store.OpenSpool(path);
    }

    private RoundPlan Plan(int round)
    {
        var asked = section.Cohort.Of(_order.Count);
        var cohort = _order;
        if (asked < _order.Count)
        {
            // Required sites are always asked; the rest of the cohort is drawn.
            var required = section.Required.ToHashSet(StringComparer.Ordinal);
            var others = _order.Where(s => !required.Contains(s)).ToArray();
            Seed.Of(_study.Seed).For("cohort", start.Repeat, model, round).ToRandom().Shuffle<string>(others);
            var drawn = others.Take(asked - required.Count).ToHashSet(StringComparer.Ordinal);
            cohort = [.. _order.Where(s => required.Contains(s) || drawn.Contains(s))];
        }
        return new RoundPlan(round, cohort, Math.Max(section.Quorum.Of(cohort.Count), section.Strategy.FewestUpdates), section.Required)
        {
            Private = run.Privacy is not { HidesSites: false } records ? null : records.Gates.ToDictionary(g => g.Key, g => g.Value.Asked, StringComparer.Ordinal),
        };
    }

    private RoundOffer Offer(string site, int round, float[] parameters, float[][] states) => new()
    {
        Model = model, Repeat = start.Repeat, Round = round, LayoutDigest = start.Model.Layout.Digest, Parameters = parameters, Agreed = start.Agreed,
        Epochs = section.LocalEpochs, EpochsBefore = (round - 1) * section.LocalEpochs, Proximal = _strategy.Proximal,
        ServerControl = _strategy.ControlVariates ? states[0] : default(ReadOnlyMemory<float>),
        Teacher = TeacherOf?.Invoke(site, round), Personalise = section.Personalise, ModelEncoding = _modelEncoding, Encoding = _encoding, KeepsOptimizer = section.OptimizerState == OptimizerMemory.Kept, TrainingOverrides = _overrides, MaxNorm = section.Gate.MaxNorm, Private = run.Privacy?.GateOf(site)?.Asked,
        Clip = run.Privacy is { HidesSites: true } ? new SiteClip(SiteLevel(Plan(round))!.Clip(round)) : null,
        Setting = Setting, LastContribution = SitesRemember ? _lastContributions.GetValueOrDefault(site) : 0,
    };

    private double[] Weights(IUpdateSet updates) =>
        [.. Enumerable.Range(0, updates.Count).Select(i => section.Weights == UpdateWeights.Equal ? 1.0 : updates.Header(i).Rows)];

    private static (double Loss, double ValidationLoss) Losses(CoordinatorState ended)
    {
        var headers = ((RoundOutcome.Aggregated)ended.Outcome!).Sites.Select(s => ended.Received[s]).ToList();
        double rows = headers.Sum(h => (long)h.Rows);
        return (headers.Sum(h => h.Loss * h.Rows) / rows, headers.Sum(h => h.ValidationLoss * h.Rows) / rows);
    }

    private void Commit(int round, RoundPlan plan, CoordinatorState ended, (double Loss, double ValidationLoss) mean, int floatsUp, float[] parameters, float[][] states, double seconds)
    {
        var contributed = ((RoundOutcome.Aggregated)ended.Outcome!).Sites;
        run.Privacy?.Arrived(model, start.Repeat, ended.Received.Values);
        var info = new RoundInfo(model, start.Repeat, round, contributed,
            [.. plan.Cohort.Where(ended.Rejected.ContainsKey).Select(s => new RejectedUpdate(s, ended.Rejected[s]))], [.. plan.Cohort.Where(ended.Silent.Contains)]);
        foreach (var site in contributed) _lastContributions[site] = round;
        var loss = mean.Loss;
        var metrics = double.IsFinite(mean.ValidationLoss) ? new Dictionary<string, double> { ["validationLoss"] = mean.ValidationLoss } : [];
        var down = ((_modelEncoding?.PackedLength ?? Parameters) + ((_strategy.ControlVariates ? 1L : 0) * Parameters) + ((TeacherOf is null ? 0L : 1) * Parameters)) * plan.Cohort.Count;
        var bytes = 4L * (down + ((long)floatsUp * contributed.Count));

        run.Store.BeforeWrite?.Invoke("checkpoint");
        var checkpoint = run.Store.RoundPath(model, start.Repeat, round, "checkpoint");
        var digest = FloatFile.Write(run.Store.Vault, run.Store.Spares, checkpoint, [parameters, .. states.Select(s => (ReadOnlyMemory<float>)s)]);
        run.Store.Keep(checkpoint);
        run.Store.KeepRound(new RoundRecord(info, new HistoryInfo(model, start.Repeat, round, loss, metrics), bytes, seconds, digest));
        run.Tell(new StudyEvent.RoundDone(model, start.Repeat, round, TotalRounds, loss, contributed.Count, info.Rejected.Count, info.Missing.Count));
    }

    private ModelRecord Keep(float[] parameters)
    {
        var rounds = run.Store.Rounds(model, start.Repeat);
        var contributors = rounds.SelectMany(r => r.Info.Contributed).ToHashSet(StringComparer.Ordinal);
        var trainedOn = TotalRounds == 0 ? _order : [.. _order.Where(contributors.Contains)];
        var info = new ModelInfo(model, arm, trainedOn, Parameters, TotalRounds, BytesBefore + rounds.Sum(r => r.Bytes), rounds.Sum(r => r.Seconds), null, Energy.NotMeasured,
            FloatFile.Sha256(parameters), start.Repeat);
        var record = new ModelRecord(info, null, model, 0, []);
        run.Store.KeepModel(record, parameters);
        if (TotalRounds > 0) run.Store.Delete(run.Store.RoundPath(model, start.Repeat, TotalRounds, "checkpoint"));
        run.Store.Spares?.Clear();
        return record;
    }

    // Whether every site still holds what it wrote in the last round it contributed to: not where power was lost and took it.
    private bool Remembered(List<RoundRecord> rounds)
    {
        return !LooksAfterSites || LastContributions(rounds).All(l => _memories[l.Key].Holds(l.Value));
    }

    private static Dictionary<string, int> LastContributions(IEnumerable<RoundRecord> rounds)
    {
        var last = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var round in rounds)
        {
            foreach (var site in round.Info.Contributed) last[site] = round.Info.Round;
        }
        return last;
    }

    // A site elsewhere looks after its memory itself: the offer names the round that it must hold.
    private bool LooksAfterSites => SitesRemember && run.Input.Channels is null;

    private bool SitesRemember => _strategy.ControlVariates || _encoding is { HasFeedback: true } || section.OptimizerState == OptimizerMemory.Kept || section.Personalise is Strategies.DittoSection or Strategies.FedBnSection;

    private bool IsPersonalised() => section.Personalise is null || _order.All(site => run.Store.Model($"{model}+{site}", start.Repeat) is not null);

    private async Task PersonaliseAsync(float[] parameters, float[][] states, CancellationToken cancellationToken)
    {
        var common = run.Store.Model(model, start.Repeat)!.Info;
        await run.AllAsync(_order, async (site, token) =>
        {
            var id = $"{model}+{site}";
            if (run.Store.Model(id, start.Repeat) is not null) return 0;
            var began = run.Input.Time.GetTimestamp();
            var offer = Offer(site, TotalRounds + 1, parameters, states) with { Teacher = null, ModelEncoding = null };
            if (section.Personalise is Strategies.FineTuneSection { Training: { } training }) offer = offer with { TrainingOverrides = DeclaredJson.Write(training) };
            if (await OwnAsync(site, offer, token).ConfigureAwait(false) is not { } own) return 0;
            var kept = own.KeptSha256 is not null;
            if (!kept && (own.Parameters.Length != Parameters || !RunContext.IsFinite(own.Parameters.Span))) throw run.Diverged(id, site, TotalRounds);
            var info = common with
            {
                Id = id,
                TrainedOn = [.. _order.Where(s => s == site || common.TrainedOn.Contains(s))],
                Bytes = 4L * Parameters,
                Seconds = run.SecondsSince(began),
                WeightsSha256 = own.KeptSha256 ?? FloatFile.Sha256(own.Parameters.Span),
            };
            run.Store.KeepModel(new ModelRecord(info, site, $"{model}+*", 0, [], kept), own.Parameters);
            return 0;
        }, cancellationToken).ConfigureAwait(false);
    }

    // A site that did not come, or has left, has no model of its own; the common one stands.
    private async ValueTask<PersonalModel?> OwnAsync(string site, RoundOffer offer, CancellationToken cancellationToken)
    {
        try
        {
            return await _channels[site].PersonaliseAsync(offer, cancellationToken).ConfigureAwait(false);
        }
        catch (SiteGoneException)
        {
            return null;
        }
    }

    private StudyStoppedException Stopped(int round, CoordinatorState ended)
    {
        var place = Place.InFile(run.Input.RunFolder);
        // Refused numbers are a diverging training, whatever else is missing: that is what the user can mend.
        if (ended.Rejected.Where(r => r.Value == RefusalReason.NotFinite).Select(r => r.Key).Order(StringComparer.Ordinal).FirstOrDefault() is { } site) return run.Diverged(model, site, round);
        var missing = string.Join(", ", ended.Plan.Cohort.Where(ended.Silent.Contains));
        var rejected = string.Join(", ", ended.Plan.Cohort.Where(ended.Rejected.ContainsKey).Select(s => $"{s} ({ended.Rejected[s]})"));
        return new StudyStoppedException(ended.Outcome switch
        {
            RoundOutcome.RequiredSiteMissing r => Messages.Problem("required-missing", place, model, round, string.Join(", ", r.Sites)),
            RoundOutcome.QuorumMissed q => Messages.Problem("quorum-missed", place, model, round, q.Replied, q.Required, missing.Length > 0 ? missing : "-", rejected.Length > 0 ? rejected : "-"),
            _ => throw new InvalidOperationException("An aggregated round does not stop a study."),
        });
    }
}
