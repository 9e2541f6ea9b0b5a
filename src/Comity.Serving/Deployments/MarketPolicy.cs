using Comity.Serving.Releases;

namespace Comity.Serving.Deployments;

/// <summary>What is known of a release in a market before a person decides.</summary>
/// <param name="Code"><c>judged</c>, <c>not-judged</c>, <c>thin-evidence</c>, <c>no-better-than-chance</c>, <c>jurisdiction-unknown</c> or <c>licence-undeclared</c>; of the laws of the places of training <c>law-free</c>, <c>law-conditional</c>, <c>law-barred</c> or <c>law-unknown</c>.</param>
/// <param name="Bars">Whether a release with this may not enter the market at all.</param>
/// <param name="Arguments">What the text's placeholders stand for.</param>
public sealed record PolicyFinding(string Code, bool Bars, IReadOnlyList<string> Arguments)
{
    /// <summary>The finding in words.</summary>
    public string Text(System.Globalization.CultureInfo culture) => Messages.Catalog.Text("policy." + Code, culture, [.. Arguments]);
}

/// <summary>Decides what may enter a market by itself, and asks a person for the rest.</summary>
/// <remarks>Whether a use is allowed in a market is always asked of a person, whose name and reason stand in the order; what the laws of the places of training say of the model's export is told them by the tool, which knows the policy packs.</remarks>
public static class MarketPolicy
{
    private const int FewestRows = 30;

    /// <summary>Everything that is known.</summary>
    public static IReadOnlyList<PolicyFinding> Judge(ReleaseManifest manifest, string market)
    {
        ArgumentNullException.ThrowIfNull(manifest);
        var found = new List<PolicyFinding>();
        var judged = manifest.Markets.FirstOrDefault(m => m.Id == market);
        if (judged is null || judged.TestRows == 0) found.Add(new PolicyFinding("not-judged", false, [market]));
        else
        {
            found.Add(judged.TestRows < FewestRows ? new PolicyFinding("thin-evidence", false, [market, Text(judged.TestRows)]) : new PolicyFinding("judged", false, [market, Text(judged.TestRows)]));
            // A model that is not shown to be better than guessing where it was judged helps nobody there.
            if (judged.Metrics.GetValueOrDefault("rocAuc") is { Low: <= 0.5 } auc) found.Add(new PolicyFinding("no-better-than-chance", judged.TestRows >= FewestRows && auc.High <= 0.6, [market, Text(auc.Low!.Value), Text(auc.High ?? auc.Value)]));
        }
        found.Add(new PolicyFinding("jurisdiction-unknown", false, [judged?.Jurisdiction ?? market]));
        if (manifest.Licence is null) found.Add(new PolicyFinding("licence-undeclared", false, []));
        return found;
    }

    private static string Text(double value) => value.ToString("0.###", System.Globalization.CultureInfo.InvariantCulture);
}
