using Comity.Privacy.Accounting;
using Comity.Privacy.Events;

namespace Comity.Federation.Privacy;

/// <summary>Accountants by the short names that stand in ledgers.</summary>
internal static class AccountantNames
{
    /// <summary>The accountant of that name. Of none that is known (a ledger of an older version, which kept no name): loss distributions, which bound every kind of release.</summary>
    public static IPrivacyAccountant Of(string name) => name switch
    {
        "rdp" => new RdpAccountant(NeighbouringRelation.AddOrRemoveOne),
        "gaussian" => new GaussianAccountant(NeighbouringRelation.AddOrRemoveOne),
        _ => new PldAccountant(NeighbouringRelation.AddOrRemoveOne),
    };
}
