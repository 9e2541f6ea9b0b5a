using System.Text.Json;
using Comity.SecureAggregation.Graphs;
using Comity.SecureAggregation.Keys;
using Comity.SecureAggregation.Protocol;

namespace Comity.SecureAggregation.Tests.Protocol;

/// <summary>A masked round written down: all that was said, the secrets behind it, the sum, and changes that must be refused.</summary>
internal sealed record Transcript(
    Transcript.PlanOf Plan, Dictionary<int, byte[]> Identities, List<Transcript.SecretsOf> Secrets, List<uint[]> Vectors, List<KeyAdvert> Adverts, List<SealedShares> Shares,
    List<MaskedInput> Inputs, List<SurvivorSignature> Signatures, List<RevealedShares> Reveals, int[] Contributors, uint[] Sum, List<Transcript.Corruption> Refused)
{
    public static JsonSerializerOptions Json { get; } = new(JsonSerializerDefaults.Web) { WriteIndented = true, Converters = { new System.Text.Json.Serialization.JsonStringEnumConverter() } };

    public sealed record PlanOf(string Study, int Round, string[] Sites, int Threshold, AdversaryModel Adversary, int Length, int Bits, int? Degree, byte[] Digest)
    {
        public SecureRoundPlan Read() => new(Study, Round, Sites, Threshold, Adversary, Length, Bits, Degree);
    }

    public sealed record SecretsOf(int Site, byte[] MaskScalar, byte[] SelfSeed);

    /// <summary>One byte of one field of one site's message, and how the coordinator must refuse it.</summary>
    public sealed record Corruption(string Message, int Site, string Field, int Byte, RefusalCode Code);

    /// <summary>Plays a round between real machines; sites in <paramref name="dropped"/> fall silent before their vector.</summary>
    public static Transcript Record(SecureRoundPlan plan, int? degree, IReadOnlyCollection<int> dropped)
    {
        var identities = plan.Sites.Select(_ => SiteIdentity.Create()).ToList();
        var directory = Enumerable.Range(0, plan.Sites.Count).ToDictionary(i => i, i => identities[i].PublicKey);
        var random = new Random(plan.Bits);
        var vectors = plan.Sites.Select(_ => Enumerable.Range(0, plan.Length).Select(_ => (uint)random.NextInt64(1L << plan.Bits)).ToArray()).ToList();
        var said = new List<SiteMessage>();
        var secrets = new List<SecretsOf>();
        var states = new Dictionary<int, SiteState>();
        var coordinator = CoordinatorMachine.Start(plan, directory);
        void Say(SiteMessage message)
        {
            said.Add(message);
            coordinator = ((CoordinatorStep.Accepted)CoordinatorMachine.Receive(coordinator, message)).State;
        }
        for (var site = 0; site < plan.Sites.Count; site++)
        {
            var begun = SiteMachine.Start(plan, site, identities[site], directory);
            states[site] = begun.State;
            Say(begun.Message!);
        }
        while (CoordinatorMachine.EndStep(coordinator) is CoordinatorTurn.Next next)
        {
            coordinator = next.State;
            foreach (var (site, message) in next.Messages)
            {
                var taken = (SiteStep.Taken)SiteMachine.Receive(states[site], message);
                if (taken.State is AwaitingVector ready)
                {
                    using var scalar = ready.Before.Before.MaskKey.ExportScalar();
                    secrets.Add(new(site, scalar.Bytes.ToArray(), ready.Before.SelfSeed.Bytes.ToArray()));
                    if (dropped.Contains(site)) continue;
                    taken = SiteMachine.Submit(ready, vectors[site]);
                }
                states[site] = taken.State;
                Say(taken.Message!);
            }
        }
        var inputs = said.OfType<MaskedInput>().ToList();
        var summed = (CoordinatorTurn.Summed)CoordinatorMachine.Unmask((CollectingReveals)coordinator, new Packed(inputs));
        var first = inputs[0].Site;
        List<Corruption> refused =
        [
            new("advert", 1, "maskKey", 7, RefusalCode.BadSignature), new("advert", 2, "envelopeKey", 40, RefusalCode.BadSignature), new("advert", 0, "signature", 10, RefusalCode.BadSignature),
            new("reveal", first, "selfMask", 3, RefusalCode.WrongShare), new("input", first, "packed", 5, RefusalCode.SumNotExact),
        ];
        if (dropped.Count > 0) refused.Add(new("reveal", first, "maskKey", 3, RefusalCode.WrongShare));
        if (plan.RequiredSignatures > 0) refused.Add(new("survivors", first, "signature", 12, RefusalCode.BadSignature));
        return new(new(plan.Study, plan.Round, [.. plan.Sites], plan.Threshold, plan.Adversary, plan.Length, plan.Bits, degree, plan.DigestBytes.ToArray()), directory, secrets, vectors,
            [.. said.OfType<KeyAdvert>()], [.. said.OfType<SealedShares>()], inputs, [.. said.OfType<SurvivorSignature>()], [.. said.OfType<RevealedShares>()],
            [.. summed.Contributors], summed.Sum, refused);
    }

    /// <summary>Tells the coordinator's machine all that was said.</summary>
    /// <param name="change">What a message is replaced by.</param>
    /// <returns>The sum, or the first refusal.</returns>
    public (uint[]? Sum, RefusalCode? Refused) Replay(Func<SiteMessage, SiteMessage> change)
    {
        var plan = Plan.Read();
        var state = CoordinatorMachine.Start(plan, Identities);
        var inputs = Inputs.Select(i => (MaskedInput)change(i)).ToList();
        IEnumerable<SiteMessage>[] steps = [Adverts, Shares, inputs, .. plan.RequiredSignatures > 0 ? new IEnumerable<SiteMessage>[] { Signatures } : [], Reveals];
        foreach (var step in steps)
        {
            foreach (var message in step)
            {
                switch (CoordinatorMachine.Receive(state, message is MaskedInput ? message : change(message)))
                {
                    case CoordinatorStep.Accepted accepted: state = accepted.State; break;
                    case CoordinatorStep.Refused refused: return (null, refused.Why.Code);
                }
            }
            switch (CoordinatorMachine.EndStep(state))
            {
                case CoordinatorTurn.Next next: state = next.State; break;
                case CoordinatorTurn.Abandoned abandoned: return (null, abandoned.Why.Code);
            }
        }
        return CoordinatorMachine.Unmask((CollectingReveals)state, new Packed(inputs)) is CoordinatorTurn.Summed summed ? (summed.Sum, null) : (null, RefusalCode.SumNotExact);
    }

    private sealed class Packed(IEnumerable<MaskedInput> inputs) : IMaskedInputs
    {
        private readonly Dictionary<int, byte[]> _packed = inputs.ToDictionary(input => input.Site, input => input.Packed);

        public void Read(int site, long offset, Span<byte> destination) => _packed[site].AsSpan((int)offset, destination.Length).CopyTo(destination);
    }
}
