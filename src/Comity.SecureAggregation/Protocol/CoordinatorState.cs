using System.Collections.Immutable;

namespace Comity.SecureAggregation.Protocol;

/// <summary>Where the coordinator stands in a masked round.</summary>
public abstract class CoordinatorState
{
    private protected CoordinatorState(SecureRoundPlan plan, IReadOnlyDictionary<int, byte[]> directory) => (Plan, Directory) = (plan, directory);

    /// <summary>What was agreed.</summary>
    public SecureRoundPlan Plan { get; }

    /// <summary>Which sites have answered in this step.</summary>
    public abstract IReadOnlyCollection<int> Answered { get; }

    internal IReadOnlyDictionary<int, byte[]> Directory { get; }
}

/// <summary>Step 1.</summary>
public sealed class CollectingKeys : CoordinatorState
{
    internal CollectingKeys(SecureRoundPlan plan, IReadOnlyDictionary<int, byte[]> directory, ImmutableSortedDictionary<int, KeyAdvert> adverts)
        : base(plan, directory) => Adverts = adverts;

    /// <inheritdoc/>
    public override IReadOnlyCollection<int> Answered => [.. Adverts.Keys];

    internal ImmutableSortedDictionary<int, KeyAdvert> Adverts { get; }
}

/// <summary>Step 2.</summary>
public sealed class CollectingShares : CoordinatorState
{
    internal CollectingShares(CollectingKeys before, ImmutableSortedDictionary<int, SealedShares> shares)
        : base(before.Plan, before.Directory) => (Before, Shares) = (before, shares);

    /// <inheritdoc/>
    public override IReadOnlyCollection<int> Answered => [.. Shares.Keys];

    internal CollectingKeys Before { get; }

    internal ImmutableSortedDictionary<int, SealedShares> Shares { get; }
}

/// <summary>Step 3. Only who has sent a vector is kept; the vectors lie with the caller until they are unmasked.</summary>
public sealed class CollectingInputs : CoordinatorState
{
    internal CollectingInputs(CollectingShares before, ImmutableSortedSet<int> contributors)
        : base(before.Plan, before.Directory) => (Before, Contributors) = (before, contributors);

    /// <inheritdoc/>
    public override IReadOnlyCollection<int> Answered => Contributors;

    internal CollectingShares Before { get; }

    internal ImmutableSortedSet<int> Contributors { get; }
}

/// <summary>Step 4, against a lying coordinator.</summary>
public sealed class CollectingSignatures : CoordinatorState
{
    internal CollectingSignatures(CollectingInputs before, ImmutableSortedDictionary<int, byte[]> signatures)
        : base(before.Plan, before.Directory) => (Before, Signatures) = (before, signatures);

    /// <inheritdoc/>
    public override IReadOnlyCollection<int> Answered => [.. Signatures.Keys];

    internal CollectingInputs Before { get; }

    internal ImmutableSortedDictionary<int, byte[]> Signatures { get; }
}

/// <summary>Step 5.</summary>
public sealed class CollectingReveals : CoordinatorState
{
    internal CollectingReveals(CollectingInputs before, ImmutableSortedDictionary<int, byte[]> signatures, ImmutableSortedDictionary<int, RevealedShares> reveals)
        : base(before.Plan, before.Directory) => (Before, Signatures, Reveals) = (before, signatures, reveals);

    /// <inheritdoc/>
    public override IReadOnlyCollection<int> Answered => [.. Reveals.Keys];

    internal CollectingInputs Before { get; }

    /// <summary>Whose vectors are in the sum, in ascending order.</summary>
    public IReadOnlyList<int> Contributors => [.. Before.Contributors];

    /// <summary>Under the list of survivors; empty where none are asked for.</summary>
    internal ImmutableSortedDictionary<int, byte[]> Signatures { get; }

    internal IEnumerable<int> Asked => Plan.RequiredSignatures > 0 ? Signatures.Keys : Before.Contributors;

    internal ImmutableSortedDictionary<int, RevealedShares> Reveals { get; }
}

/// <summary>The masked vectors of a round, where the caller keeps them.</summary>
public interface IMaskedInputs
{
    /// <summary>Reads a stretch of one site's packed vector.</summary>
    /// <param name="site">Index of the site.</param>
    /// <param name="offset">First byte.</param>
    /// <param name="destination">Filled whole.</param>
    void Read(int site, long offset, Span<byte> destination);
}

/// <summary>What came of a site's message at the coordinator.</summary>
public abstract record CoordinatorStep
{
    private CoordinatorStep()
    {
    }

    /// <summary>The message counts.</summary>
    /// <param name="State">The state from here on.</param>
    public sealed record Accepted(CoordinatorState State) : CoordinatorStep;

    /// <summary>The message was refused and changed nothing.</summary>
    /// <param name="Why">The reason and the site.</param>
    public sealed record Refused(Refusal Why) : CoordinatorStep;
}

/// <summary>What came of ending a step.</summary>
public abstract record CoordinatorTurn
{
    private CoordinatorTurn()
    {
    }

    /// <summary>The next step begins.</summary>
    /// <param name="State">The state from here on.</param>
    /// <param name="Messages">What to send, by site.</param>
    public sealed record Next(CoordinatorState State, IReadOnlyDictionary<int, CoordinatorMessage> Messages) : CoordinatorTurn;

    /// <summary>The shares are there: <see cref="CoordinatorMachine.Unmask(CollectingReveals, IMaskedInputs)"/> takes the masks off.</summary>
    /// <param name="State">The state from here on.</param>
    public sealed record Revealed(CollectingReveals State) : CoordinatorTurn;

    /// <summary>The sum is known.</summary>
    /// <param name="Sum">The plan's length of words, modulo 2ᵇ.</param>
    /// <param name="Contributors">Whose vectors are in it.</param>
    public sealed record Summed(uint[] Sum, IReadOnlyList<int> Contributors) : CoordinatorTurn;

    /// <summary>The round can't end; nothing was learnt about any vector.</summary>
    /// <param name="Why">The reason.</param>
    public sealed record Abandoned(Refusal Why) : CoordinatorTurn;
}
