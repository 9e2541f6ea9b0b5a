namespace Comity.Data.Identifiers;

/// <summary>How many records share each combination of what an outsider may know, and how various what he would learn is among them.</summary>
/// <param name="Rows">Records.</param>
/// <param name="Classes">Combinations that occur.</param>
/// <param name="K">Size of the smallest: the k of k-anonymity (Sweeney 2002, doi:10.1142/S0218488502001648); 0 without records.</param>
/// <param name="L">Fewest different sensitive values in a combination: distinct l-diversity (Machanavajjhala et al. 2007, doi:10.1145/1217299.1217302); null: none is named.</param>
/// <param name="Alone">Records that share their combination with nobody.</param>
/// <param name="BelowK">Records in combinations smaller than the k that was asked for.</param>
public sealed record Anonymity(int Rows, int Classes, int K, int? L, int Alone, int BelowK)
{
    /// <summary>Counts.</summary>
    /// <param name="known">For each record the values that an outsider may know, in one order.</param>
    /// <param name="sensitive">For each record what he would learn; null: nothing is named.</param>
    /// <param name="wanted">The k that is asked for.</param>
    public static Anonymity Of(IReadOnlyList<IReadOnlyList<string>> known, IReadOnlyList<string>? sensitive, int wanted)
    {
        ArgumentNullException.ThrowIfNull(known);
        ArgumentOutOfRangeException.ThrowIfLessThan(wanted, 1);
        if (sensitive is not null && sensitive.Count != known.Count) throw new ArgumentException("One sensitive value a record.", nameof(sensitive));
        var classes = Enumerable.Range(0, known.Count).GroupBy(i => KeyOf(known[i]), StringComparer.Ordinal).Select(g => g.ToList()).ToList();
        return new(known.Count, classes.Count, classes.Count == 0 ? 0 : classes.Min(c => c.Count),
            sensitive is null || classes.Count == 0 ? null : classes.Min(c => c.Select(i => sensitive[i]).Distinct(StringComparer.Ordinal).Count()),
            classes.Count(c => c.Count == 1), classes.Where(c => c.Count < wanted).Sum(c => c.Count));
    }

    /// <summary>One text for a combination; a value can't pretend to be two.</summary>
    public static string KeyOf(IReadOnlyList<string> values)
    {
        ArgumentNullException.ThrowIfNull(values);
        return string.Concat(values.Select(v => $"{v.Length}:{v}"));
    }
}
