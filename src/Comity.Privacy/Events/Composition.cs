namespace Comity.Privacy.Events;

/// <summary>One release repeated.</summary>
public sealed record SelfComposedEvent : PrivacyEvent
{
    /// <param name="repeated">What is released each time.</param>
    /// <param name="count">How often, at least 0.</param>
    public SelfComposedEvent(PrivacyEvent repeated, long count)
    {
        ArgumentNullException.ThrowIfNull(repeated);
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        (Repeated, Count) = (repeated, count);
    }

    /// <summary>What is released each time.</summary>
    public PrivacyEvent Repeated { get; }

    /// <summary>How often.</summary>
    public long Count { get; }
}

/// <summary>Several releases about the same records, each possibly chosen after seeing the earlier ones.</summary>
public sealed record ComposedEvent : PrivacyEvent
{
    /// <param name="events">The releases, in order.</param>
    public ComposedEvent(IReadOnlyList<PrivacyEvent> events)
    {
        ArgumentNullException.ThrowIfNull(events);
        if (events.Any(e => e is null)) throw new ArgumentException("An event in the list is null.", nameof(events));
        Events = [.. events];
    }

    /// <summary>The releases, in order.</summary>
    public IReadOnlyList<PrivacyEvent> Events { get; }

    /// <inheritdoc/>
    public bool Equals(ComposedEvent? other) => other is not null && Events.SequenceEqual(other.Events);

    /// <inheritdoc/>
    public override int GetHashCode() => Events.Aggregate(17, HashCode.Combine);
}

/// <summary>An accountant can't prove what an event costs, so it refuses it.</summary>
public sealed class UnsupportedEventException : NotSupportedException
{
    /// <param name="accountant">Who refuses.</param>
    /// <param name="refused">What is refused.</param>
    /// <param name="reason">Why, and what would do instead.</param>
    public UnsupportedEventException(string accountant, PrivacyEvent refused, string reason)
        : base($"The {accountant} accountant can't bound {refused}: {reason}")
    {
        (Accountant, Refused) = (accountant, refused);
    }

    /// <summary>Who refuses.</summary>
    public string Accountant { get; }

    /// <summary>What is refused.</summary>
    public PrivacyEvent Refused { get; }
}

/// <summary>An event taken apart: each distinct release with how often it happened.</summary>
internal static class Releases
{
    /// <remarks>
    /// Order does not matter to any accountant here (fully adaptive order is not claimed), so equal releases are counted together;
    /// a rate of 1 is no sampling, a rate of 0 no release.
    /// </remarks>
    public static IReadOnlyDictionary<PrivacyEvent, long> Of(PrivacyEvent composed)
    {
        var counts = new Dictionary<PrivacyEvent, long>();
        Add(composed, 1, counts);
        return counts;
    }

    private static void Add(PrivacyEvent part, long times, Dictionary<PrivacyEvent, long> counts)
    {
        if (times == 0) return;
        switch (part)
        {
            case NoOpEvent: break;
            case SelfComposedEvent self: Add(self.Repeated, checked(times * self.Count), counts); break;
            case ComposedEvent composed:
                foreach (var inner in composed.Events) Add(inner, times, counts);
                break;
            case PoissonSampledEvent { SamplingProbability: 0 }: break;
            case PoissonSampledEvent { SamplingProbability: 1 } all: Add(all.Sampled, times, counts); break;
            case PoissonSampledEvent { Sampled: NoOpEvent }: break;
            default: counts[part] = checked(counts.GetValueOrDefault(part) + times); break;
        }
    }
}
