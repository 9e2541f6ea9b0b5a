namespace Comity.Federation.Audit;

/// <summary>Things of one kind that left a party for one study, under one rule, to one peer.</summary>
/// <param name="Study">The study.</param>
/// <param name="Kind">What they were.</param>
/// <param name="Peer">To whom.</param>
/// <param name="Rule">The policy rule that let them pass.</param>
/// <param name="Times">How many different ones: what is sent again after a lost line is the same thing.</param>
/// <param name="Bytes">Their bytes.</param>
/// <param name="Charged">How many of them the ledger was charged for.</param>
/// <param name="LargestEpsilon">ε of the dearest one alone, at <paramref name="Delta"/>; 0 where none was charged.</param>
/// <param name="Delta">δ of that; 0 where none was charged.</param>
/// <param name="First">When the first left.</param>
/// <param name="Last">When the last left.</param>
public sealed record Departure(
    string Study, string Kind, string Peer, string Rule, int Times, long Bytes, int Charged, double LargestEpsilon, double Delta, DateTimeOffset First, DateTimeOffset Last)
{
    /// <summary>What left, by study in the order of their first, then by kind.</summary>
    public static IReadOnlyList<Departure> Of(AuditVerdict log)
    {
        ArgumentNullException.ThrowIfNull(log);
        var things = log.Lines.Where(l => l.Entry.Direction == AuditDirection.Out)
            .GroupBy(l => (l.Entry.Study, l.Entry.Kind, l.Entry.Peer, l.Entry.Rule, l.Entry.What, l.Entry.Repeat, l.Entry.Round, l.Entry.Sha256)).Select(same => (First: same.First(), Last: same.Last())).ToList();
        return [.. things.GroupBy(t => (t.First.Entry.Study, t.First.Entry.Kind, t.First.Entry.Peer, t.First.Entry.Rule)).Select(g =>
            {
                var charges = g.Select(t => t.First.Entry.Charge).OfType<AuditCharge>().ToList();
                var dearest = charges.MaxBy(c => c.Epsilon);
                return new Departure(g.Key.Study, g.Key.Kind, g.Key.Peer, g.Key.Rule, g.Count(), g.Sum(t => t.First.Entry.Bytes), charges.Count, dearest?.Epsilon ?? 0, dearest?.Delta ?? 0, g.Min(t => t.First.Time), g.Max(t => t.Last.Time));
            }).GroupBy(d => d.Study, StringComparer.Ordinal).SelectMany(g => g)];
    }
}
