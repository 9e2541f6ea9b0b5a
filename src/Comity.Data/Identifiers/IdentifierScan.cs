namespace Comity.Data.Identifiers;

/// <summary>A column that seems to point at persons. It holds counts only, never a value.</summary>
/// <param name="Column">Its name.</param>
/// <param name="Kind">What it seems to hold.</param>
/// <param name="ByName">Whether its name says so.</param>
/// <param name="Matched">Values whose form says so.</param>
/// <param name="Values">Values that are not empty.</param>
public sealed record IdentifierFinding(string Column, IdentifierKind Kind, bool ByName, int Matched, int Values)
{
    /// <summary>Share of the values whose form says so; 0 where there are none.</summary>
    public double Share => Values == 0 ? 0 : (double)Matched / Values;
}

/// <summary>Looks through columns for what points at persons.</summary>
public static class IdentifierScan
{
    /// <summary>Share of values from which on a form is the column's; below it a few long numbers only happen to have a right check digit.</summary>
    public const double CertainShare = 0.5;

    /// <summary>Judges one column.</summary>
    /// <param name="column">Its name.</param>
    /// <param name="values">Its values as they stand in the source.</param>
    /// <returns>Null: nothing points at persons.</returns>
    public static IdentifierFinding? Of(string column, IEnumerable<string> values)
    {
        ArgumentNullException.ThrowIfNull(column);
        ArgumentNullException.ThrowIfNull(values);
        var (counts, filled) = (new Dictionary<IdentifierKind, int>(), 0);
        foreach (var value in values.Where(v => !string.IsNullOrWhiteSpace(v)))
        {
            filled++;
            if (IdentifierRules.ByForm(value) is { } form) counts[form] = counts.GetValueOrDefault(form) + 1;
        }
        if (IdentifierRules.ByName(column) is { } named) return new(column, named, true, counts.GetValueOrDefault(named), filled);
        var most = counts.OrderByDescending(c => c.Value).ThenBy(c => c.Key).FirstOrDefault();
        // One address of a person among a thousand free texts is one too many; a number has to be its column's rule.
        var sure = most.Key is IdentifierKind.Email or IdentifierKind.WebAddress or IdentifierKind.IpAddress;
        return most.Value > 0 && (sure || most.Value >= CertainShare * filled) ? new(column, most.Key, false, most.Value, filled) : null;
    }
}
