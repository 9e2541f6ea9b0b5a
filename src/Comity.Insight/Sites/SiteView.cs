using System.Globalization;
using Comity.Insight.Evidence;
using Comity.Insight.Report;

namespace Comity.Insight.Sites;

/// <summary>What a site's own page shows.</summary>
/// <param name="log">What left the site, by its own audit log.</param>
/// <param name="costs">What its ledger was charged.</param>
/// <param name="findings">What is wrong with log or ledger, in words; none: both hold.</param>
/// <param name="culture">Language and form of numbers.</param>
public sealed class SiteView(SiteLog log, IReadOnlyList<SiteCost> costs, IReadOnlyList<string> findings, CultureInfo culture)
{
    /// <summary>What left the site.</summary>
    public SiteLog Log { get; } = log;

    /// <summary>What its ledger was charged.</summary>
    public IReadOnlyList<SiteCost> Costs { get; } = costs;

    /// <summary>What is wrong, in words.</summary>
    public IReadOnlyList<string> Findings { get; } = findings;

    /// <summary>Words.</summary>
    public ReportTexts T { get; } = new(culture);

    /// <summary>Numbers.</summary>
    public Formats F => new(T);
}

/// <summary>What a ledger says of one study's releases about one data set.</summary>
/// <param name="Study">The study.</param>
/// <param name="DataSet">The data set, by the steward's name.</param>
/// <param name="Answers">Releases.</param>
/// <param name="Epsilon">ε of all of them together.</param>
/// <param name="Delta">At this δ.</param>
public sealed record SiteCost(string Study, string DataSet, long Answers, double Epsilon, double Delta);
