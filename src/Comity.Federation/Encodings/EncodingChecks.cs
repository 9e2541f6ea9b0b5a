using Comity.Declarations;
using Comity.Federation.Privacy;
using Comity.Federation.Strategies;
using Comity.Federation.Studies;

namespace Comity.Federation.Encodings;

/// <summary>What does not go together with an encoding that loses bits, each with its reason and what would do instead.</summary>
internal static class EncodingChecks
{
    /// <summary>Checks one federation.</summary>
    /// <param name="study">The study.</param>
    /// <param name="federation">The federation.</param>
    /// <param name="place">Places of its keys.</param>
    /// <param name="problems">Takes what is wrong.</param>
    public static void Check(StudySection study, FederationSection federation, Func<string, Place> place, ProblemList problems)
    {
        var updates = federation.Encoding.Updates;
        if (updates is Float32UpdatesSection) return;
        if (study.Privacy?.SecureAggregation is not null) problems.Add(Messages.Problem("encoding-under-masks", place("encoding"), updates.Kind));
        if (study.Privacy?.DifferentialPrivacy is { Unit: PrivacyUnit.Site }) problems.Add(Messages.Problem("encoding-lengthens", place("encoding"), updates.Kind));
        if (updates is TopKUpdatesSection && federation.Strategy is MedianSection or TrimmedMeanSection or KrumSection or MultiKrumSection or GeometricMedianSection)
            problems.Add(Messages.Problem("encoding-mostly-zeros", place("encoding"), federation.Strategy.Kind));
        if (federation.Strategy is ScaffoldSection) problems.Add(Messages.Problem("encoding-control-variates", place("encoding"), updates.Kind));
    }
}
