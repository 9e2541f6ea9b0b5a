using Comity.SecureAggregation.Graphs;
using Comity.SecureAggregation.Keys;
using Comity.SecureAggregation.Protocol;
using Comity.SecureAggregation.Storage;

namespace Comity.SecureAggregation.Tests.Protocol;

/// <summary>The steps at which a site can fall silent.</summary>
public enum Drop
{
    BeforeKeys,
    BeforeShares,
    BeforeInput,
    BeforeSignature,
    BeforeReveal,
    Never,
}

/// <summary>Plays a whole round between real machines; a test says who falls silent when, and may change what is sent.</summary>
internal sealed class MaskedRound : IDisposable
{
    // Identities outlive rounds, so tests share them; keys of a round are always fresh.
    private static readonly Lazy<SiteIdentity[]> Identities = new(() => [.. Enumerable.Range(0, 24).Select(_ => SiteIdentity.Create())]);

    private readonly SiteIdentity[] _identities;

    public MaskedRound(int sites, int threshold, AdversaryModel adversary = AdversaryModel.SemiHonest, int length = 33, int bits = 32, int? degree = null, int seed = 1)
    {
        Plan = new("study", 3, [.. Enumerable.Range(0, sites).Select(i => $"site-{i}")], threshold, adversary, length, bits, degree);
        _identities = [.. Identities.Value.Take(sites)];
        Directory = Enumerable.Range(0, sites).ToDictionary(i => i, i => _identities[i].PublicKey);
        var random = new Random(seed);
        Vectors = [.. Enumerable.Range(0, sites).Select(_ => Enumerable.Range(0, length).Select(_ => (uint)random.NextInt64(1L << bits)).ToArray())];
    }

    public SecureRoundPlan Plan { get; }

    public IReadOnlyDictionary<int, byte[]> Directory { get; }

    public uint[][] Vectors { get; }

    public List<Refusal> Refusals { get; } = [];

    public List<SiteMessage> Seen { get; } = [];

    public Func<SiteMessage, SiteMessage> FromSite { get; init; } = message => message;

    public Func<int, CoordinatorMessage, CoordinatorMessage> ToSite { get; init; } = (_, message) => message;

    /// <summary>Called with all that a site knows before it masks its vector: a site that tells others.</summary>
    public Action<AwaitingVector>? Told { get; init; }

    /// <summary>Called with what a site says, also where it comes too late to count.</summary>
    public Action<SiteMessage>? Said { get; init; }

    /// <summary>Whether every state goes through its bytes before it is used again, as after the death of a process.</summary>
    public bool Kept { get; init; }

    public SiteStep.Taken Begin(int site) => SiteMachine.Start(Plan, site, _identities[site], Directory);

    public CoordinatorTurn Play(Func<int, Drop>? drops = null)
    {
        drops ??= _ => Drop.Never;
        var coordinator = CoordinatorMachine.Start(Plan, Directory);
        var states = new Dictionary<int, SiteState>();
        for (var site = 0; site < Plan.Sites.Count; site++)
        {
            if (drops(site) == Drop.BeforeKeys) continue;
            var begun = Begin(site);
            states[site] = begun.State;
            Said?.Invoke(begun.Message!);
            coordinator = Send(coordinator, begun.Message!);
        }

        while (true)
        {
            if (Kept)
            {
                coordinator = KeptState.LoadCoordinator(KeptState.Save(coordinator), Plan, Directory);
                foreach (var (site, state) in states.ToList())
                {
                    states[site] = KeptState.LoadSite(KeptState.Save(state, null), Plan, _identities[site], Directory).State;
                    Assert.IsType(state.GetType(), states[site]);
                }
            }
            var turn = CoordinatorMachine.EndStep(coordinator);
            if (turn is CoordinatorTurn.Revealed revealed) return CoordinatorMachine.Unmask(revealed.State, new Inputs(Seen));
            if (turn is not CoordinatorTurn.Next next) return turn;
            coordinator = next.State;
            foreach (var (site, message) in next.Messages)
            {
                var answer = SiteMachine.Receive(states[site], ToSite(site, message));
                if (answer is SiteStep.Refused refused)
                {
                    Refusals.Add(refused.Why);
                    continue;
                }
                var taken = (SiteStep.Taken)answer;
                if (taken.State is AwaitingVector ready)
                {
                    if (Kept) ready = (AwaitingVector)KeptState.LoadSite(KeptState.Save(ready, null), Plan, _identities[site], Directory).State;
                    Told?.Invoke(ready);
                    taken = SiteMachine.Submit(ready, Vectors[site]);
                    ready.Dispose();
                }

                // What was said must not need the state that said it.
                if (taken.State is SiteFinished) states[site].Dispose();
                states[site] = taken.State;
                Said?.Invoke(taken.Message!);
                if (Silent(drops(site), taken.Message!)) continue;
                coordinator = Send(coordinator, taken.Message!);
            }
        }
    }

    public uint[] PlainSum(IEnumerable<int> sites)
    {
        var sum = new uint[Plan.Length];
        foreach (var site in sites)
        {
            for (var i = 0; i < sum.Length; i++) sum[i] = unchecked(sum[i] + Vectors[site][i]) & (uint.MaxValue >> (32 - Plan.Bits));
        }
        return sum;
    }

    public void Dispose()
    {
        Seen.Clear();
    }

    private sealed class Inputs(IEnumerable<SiteMessage> seen) : IMaskedInputs
    {
        private readonly Dictionary<int, byte[]> _packed = seen.OfType<MaskedInput>().ToDictionary(input => input.Site, input => input.Packed);

        public void Read(int site, long offset, Span<byte> destination) => _packed[site].AsSpan((int)offset, destination.Length).CopyTo(destination);
    }

    private CoordinatorState Send(CoordinatorState coordinator, SiteMessage message)
    {
        message = FromSite(message);
        Seen.Add(message);
        switch (CoordinatorMachine.Receive(coordinator, message))
        {
            case CoordinatorStep.Accepted accepted:
                return accepted.State;
            case CoordinatorStep.Refused refused:
                Refusals.Add(refused.Why);
                return coordinator;
            default:
                throw new InvalidOperationException();
        }
    }

    private static bool Silent(Drop drop, SiteMessage message) => message switch
    {
        SealedShares => drop <= Drop.BeforeShares,
        MaskedInput => drop <= Drop.BeforeInput,
        SurvivorSignature => drop <= Drop.BeforeSignature,
        RevealedShares => drop <= Drop.BeforeReveal,
        _ => false,
    };
}
