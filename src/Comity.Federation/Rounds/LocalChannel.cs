using Comity.Federation.Privacy;
using Comity.Federation.Sites;
using Comity.Tensors.Parameters;

namespace Comity.Federation.Rounds;

/// <summary>A site's own side of the rounds of one model, for a process that is a site: its machine, its memory, its gate.</summary>
public static class LocalChannel
{
    /// <summary>Opens the site's side of a model's rounds.</summary>
    /// <param name="work">What the site does.</param>
    /// <param name="layout">The model's layout as the site itself knows it; a round with another one is refused.</param>
    /// <param name="memoryFolder">Where it keeps what it remembers from round to round of this model.</param>
    /// <param name="vectors">Lends the vectors that rounds work with; null: they are made for this channel.</param>
    /// <param name="protection">What the study promises; null: nothing.</param>
    /// <param name="vault">How what the site remembers is kept; null: as it is.</param>
    public static ISiteChannel Open(ISiteWork work, ParameterLayout layout, string memoryFolder, LocalVectors? vectors = null, LocalProtection? protection = null, AtRest.StateVault? vault = null)
    {
        ArgumentNullException.ThrowIfNull(work);
        ArgumentNullException.ThrowIfNull(layout);
        ArgumentException.ThrowIfNullOrEmpty(memoryFolder);
        // What runs at the same time is the caller's choice; a channel keeps a model's rounds apart.
        var slots = new WorkSlots(1) { Lender = vectors?.Slots };
        return protection?.Open(work, layout, memoryFolder, slots) ?? new InProcessChannel(work, layout, new SiteMemory(memoryFolder, null, vault), slots);
    }
}

/// <summary>The vectors that a site's rounds work with, lent from round to round.</summary>
public sealed class LocalVectors
{
    private int _dead;

    internal WorkSlots Slots { get; } = new(1);

    /// <summary>A vector with any content.</summary>
    public float[] Rent(int length) => Slots.Rent(length);

    /// <summary>Gives a vector back; nobody may look at it any more.</summary>
    public void Return(float[] vector)
    {
        ArgumentNullException.ThrowIfNull(vector);
        Slots.Return(vector);
    }

    /// <summary>Forgets them: nothing is trained any more. What they took, and what was discarded, is free before the next large vector is made.</summary>
    public void Forget()
    {
        Slots.ForgetVectors();
        if (Interlocked.Exchange(ref _dead, 0) is > 0 and var dead) Slots.Discarded(WorkSlots.VectorsBetween, dead);
    }

    /// <summary>A vector that was not lent is no longer needed.</summary>
    /// <param name="length">Its length.</param>
    public void Discarded(int length) => Interlocked.Exchange(ref _dead, length);
}
