using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Comity.Federation.AtRest;
using Comity.Federation.Rounds;
using Comity.Federation.Spool;
using Comity.Privacy.Noise;
using Comity.SecureAggregation.Keys;
using Comity.SecureAggregation.Protocol;
using Comity.SecureAggregation.Storage;
using Machine = Comity.SecureAggregation.Protocol.SiteMachine;
using MaskState = Comity.SecureAggregation.Protocol.SiteState;
using MaskMessage = Comity.SecureAggregation.Protocol.SiteMessage;

namespace Comity.Federation.Masking;

/// <summary>A site's side of the masked rounds of one model: its keys and shares in files of its own, kept before anything is said.</summary>
/// <remarks>
/// <code>
/// step ─► state and answer kept ─► said          asked again: the answer that was kept
/// </code>
/// After a crash the site goes on with the keys that it had, or, where they are lost, begins with new ones; no mask ever hides two vectors that left.
/// Once it has revealed shares in a round, the round's update enters no other sum: the difference of two sums could be one site's update.
/// </remarks>
internal sealed class SiteMasks(string folder, string site, SiteIdentity identity, Func<string, byte[]?> keyOf, Action<string>? beforeWrite, StateVault? vault = null)
{
    // Over a network a task that nobody wants any more may still be at work while the next one comes.
    private readonly Lock _gate = new();

    /// <summary>Answers a step.</summary>
    public MaskedReply Answer(MaskedStep step)
    {
        lock (_gate) return Answered(step);
    }

    private MaskedReply Answered(MaskedStep step)
    {
        var plan = step.Plan;
        var index = plan.Sites.ToList().IndexOf(site);
        if (index < 0) return new MaskedReply.Refused(RefusalReason.NotInvited);
        var kept = Load(plan);
        if (step.Message is not { } message) return Begin(plan, index, kept);
        if (kept is not var (state, said)) return new MaskedReply.Refused(RefusalReason.KeysLost);
        if (WasAnswered(state, message)) return new MaskedReply.Said(said);
        switch (Machine.Receive(state, message))
        {
            case SiteStep.Taken taken:
                if (taken.Message is RevealedShares) KeepRevealed(plan);
                Keep(taken.State, taken.Message);
                state.Dispose();
                return new MaskedReply.Said(taken.Message);
            case SiteStep.Refused refused:
                return new MaskedReply.Refused(MaskedReply.ReasonOf(refused.Why));
            default:
                throw new InvalidOperationException("A step is taken or refused.");
        }
    }

    /// <summary>The masked update that this round's keys hid before; null: they have hidden none yet.</summary>
    public (UpdateHeader? Header, float[] Body)? Again(MaskedOffer offer)
    {
        lock (_gate) return Hidden(offer);
    }

    private (UpdateHeader? Header, float[] Body)? Hidden(MaskedOffer offer)
    {
        if (Load(offer.Plan) is not var (state, _) || state is AwaitingKeys or AwaitingDelivery or AwaitingVector) return null;
        var path = VectorPath(offer.Plan.Round);
        using var spool = UpdateSpool.Open(path, vault);
        if (spool.Headers.FirstOrDefault(h => h.MaskedUnder == offer.Digest) is not { } header) return (null, []);
        var body = new float[header.Length];
        spool.InOrder([header.Site]).Read(0, 0, body);
        return (header, body);
    }

    /// <summary>Masks an update that the gate let through; null: it is stored and may be sent. Else why it must stay.</summary>
    /// <param name="offer">How.</param>
    /// <param name="clear">The update's header as it would be without masks.</param>
    /// <param name="body">The update.</param>
    /// <param name="packed">What is to be sent, <see cref="MaskedOffer.Floats"/> long; overwritten.</param>
    /// <param name="noise">Where the site's share of noise comes from, where one is asked for.</param>
    /// <param name="header">Its header, which says nothing of the site but who it is.</param>
    public string? Mask(MaskedOffer offer, UpdateHeader clear, ReadOnlyMemory<float> body, float[] packed, NoiseStream? noise, out UpdateHeader? header)
    {
        lock (_gate) return Hide(offer, clear, body, packed, noise, out header);
    }

    private string? Hide(MaskedOffer offer, UpdateHeader clear, ReadOnlyMemory<float> body, float[] packed, NoiseStream? noise, out UpdateHeader? header)
    {
        header = null;
        var encoding = offer.Encoding ?? throw new ArgumentException("The offer is for numbers, not for an update.", nameof(offer));
        if (encoding.WeightOf(clear.Rows) is not { } weight) return clear.Rows < 1 ? RefusalReason.NoRows : RefusalReason.RangeExceeded;
        if (!encoding.Fits(body.Span)) return RefusalReason.RangeExceeded;
        if (clear.Released is null && !double.IsFinite(clear.Loss)) return RefusalReason.NotFinite;
        if (offer.Plan.Length != encoding.Length) return RefusalReason.KeysLost;
        if (offer.Share is not null && noise is null) return RefusalReason.Unprotected;
        // Under privacy losses stay at home: nobody has noised them.
        var words = clear.Unclipped is { } unclipped
            ? encoding.Words(body, unclipped, offer.Share, noise)
            : encoding.Words(body, weight, double.IsFinite(clear.Loss) ? clear.Loss : 0, clear.ValidationLoss);
        header = Cover(offer, clear.Site, clear.Round, words, packed, clear.Released);
        return header is null ? RefusalReason.KeysLost : null;
    }

    /// <summary>Masks a vector of numbers. Null: the keys are lost, or have hidden another vector.</summary>
    /// <param name="offer">How.</param>
    /// <param name="from">The site's name, for the header.</param>
    /// <param name="round">The round.</param>
    /// <param name="words">The numbers as words.</param>
    /// <param name="packed">What is to be sent, <see cref="MaskedOffer.Floats"/> long; overwritten.</param>
    public UpdateHeader? Mask(MaskedOffer offer, string from, int round, WordSource words, float[] packed)
    {
        lock (_gate) return Cover(offer, from, round, words, packed, null);
    }

    private UpdateHeader? Cover(MaskedOffer offer, string from, int round, WordSource words, float[] packed, Comity.Privacy.Mechanisms.PrivateGradientDescent? released)
    {
        if (Load(offer.Plan) is not var (state, _) || state is not AwaitingVector ready) return null;
        Array.Clear(packed, packed.Length - 1, 1);
        var masked = Machine.Submit(ready, words, MemoryMarshal.AsBytes(packed.AsSpan())[..offer.Plan.PackedBytes]);
        var header = new UpdateHeader
        {
            Site = from, Round = round, Length = packed.Length, Sha256 = FloatFile.Sha256(packed), MaskedUnder = offer.Digest, Released = released,
            Rows = 0, Steps = 0, LearningRateSum = 0, NormalizedSteps = 0, Loss = double.NaN,
        };
        // The bytes first, the state after them: a site that has forgotten its vector must not say that it has one.
        var path = VectorPath(offer.Plan.Round);
        Directory.CreateDirectory(folder);
        UpdateSpool.Delete(path);
        beforeWrite?.Invoke("mask-vector");
        using (var spool = UpdateSpool.Open(path, vault)) spool.Append(header, packed);
        Keep(masked, null);
        ready.Dispose();
        return header;
    }

    private MaskedReply Begin(SecureRoundPlan plan, int index, (MaskState State, MaskMessage? Said)? kept)
    {
        if (kept is var (state, said)) return state is AwaitingKeys ? new MaskedReply.Said(said) : new MaskedReply.Refused(RefusalReason.KeysLost);
        if (File.Exists(RevealedPath(plan.Round))) return new MaskedReply.Refused(RefusalReason.SumTaken);
        if (Directory.Exists(folder))
        {
            // Keys of rounds that are over, and of an attempt that was given up.
            foreach (var old in Directory.EnumerateFiles(folder)) Wipe(old);
        }
        var begun = Machine.Start(plan, index, identity, Keys(plan));
        Keep(begun.State, begun.Message);
        begun.State.Dispose();
        return new MaskedReply.Said(begun.Message);
    }

    // A step that was taken before is not taken again, whatever the message says now.
    private static bool WasAnswered(MaskState state, SecureAggregation.Protocol.CoordinatorMessage message) => (message, state) switch
    {
        (KeyList, AwaitingDelivery) => true,
        (Delivery, AwaitingVector or AwaitingSurvivors) => true,
        (SurvivorList, AwaitingSignatures) => true,
        (SurvivorList, SiteFinished) when state.Plan.RequiredSignatures == 0 => true,
        (SignedSurvivorList, SiteFinished) => true,
        _ => false,
    };

    private Dictionary<int, byte[]> Keys(SecureRoundPlan plan)
    {
        var directory = new Dictionary<int, byte[]>();
        for (var i = 0; i < plan.Sites.Count; i++)
        {
            if (keyOf(plan.Sites[i]) is { } key) directory[i] = key;
        }
        return directory;
    }

    private (MaskState State, MaskMessage? Said)? Load(SecureRoundPlan plan)
    {
        var path = StatePath(plan.Round);
        if (!File.Exists(path)) return null;
        try
        {
            return KeptState.LoadSite((vault ?? StateVault.Plain).ReadAll(path), plan, identity, Keys(plan));
        }
        catch (InvalidDataException)
        {
            return null; // of an attempt that was given up, or lost with the power: either way it is not used
        }
    }

    private void Keep(MaskState state, MaskMessage? said)
    {
        Directory.CreateDirectory(folder);
        beforeWrite?.Invoke("mask-keys");
        PrivateFile.Write(StatePath(state.Plan.Round), KeptState.Save(state, said), flush: false, vault);
    }

    // Flushed to the disk before a share leaves: forgotten, the site would take part in a second sum of the same update.
    private void KeepRevealed(SecureRoundPlan plan)
    {
        beforeWrite?.Invoke("mask-revealed");
        PrivateFile.Write(RevealedPath(plan.Round), Encoding.ASCII.GetBytes(Convert.ToHexStringLower(plan.DigestBytes)), flush: true);
    }

    private static void Wipe(string path)
    {
        PrivateFile.Overwrite(path);
        File.Delete(path);
    }

    private string StatePath(int round) => Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"{round:D6}.keys"));

    private string VectorPath(int round) => Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"{round:D6}.masked"));

    private string RevealedPath(int round) => Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"{round:D6}.revealed"));
}
