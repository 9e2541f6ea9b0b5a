using System.Collections.Concurrent;
using System.Globalization;
using Comity.Federation.Privacy;
using Comity.Privacy.Accounting;
using Comity.Privacy.Events;

namespace Comity.Federation.Audit;

/// <summary>What the ledger was charged, as an audit log writes it down.</summary>
internal sealed class AuditCharges(double delta)
{
    private readonly ConcurrentDictionary<string, AuditCharge> _known = new(StringComparer.Ordinal);

    /// <summary>One release. Its ε is exact for a bare Gaussian and the Rényi bound for all else: the ledger's own account is tighter, but takes a while.</summary>
    public AuditCharge Of(PrivacyEvent released)
    {
        var (unit, count) = EventText.Apart(released);
        var text = string.Create(CultureInfo.InvariantCulture, $"{count} x {EventText.Write(unit)}");
        return _known.GetOrAdd(text, t => new AuditCharge(t, Epsilon(released, unit), delta));
    }

    private double Epsilon(PrivacyEvent released, PrivacyEvent unit) => unit is GaussianEvent
        ? new GaussianAccountant(NeighbouringRelation.AddOrRemoveOne).Epsilon(released, delta)
        : new RdpAccountant(NeighbouringRelation.AddOrRemoveOne).Epsilon(released, delta);
}
