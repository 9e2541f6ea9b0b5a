using Comity.Declarations;
using Comity.Federation.Strategies;
using Comity.Federation.Studies;
using Comity.SecureAggregation.Protocol;

namespace Comity.Federation.Masking;

/// <summary>What does not go together with masked updates, each with its reason and what would do instead.</summary>
internal static class MaskingChecks
{
    public static void Check(StudySection study, DeclaredNode.Map at, ProblemList problems)
    {
        if (study.Privacy?.SecureAggregation is not { } section) return;
        var own = (at["privacy"] as DeclaredNode.Map)?["secureAggregation"]?.Place ?? at.Place;
        var arms = at["arms"]?.Place ?? at.Place;
        if (!study.Arms.Contains(Arm.Federated) && !study.Arms.Contains(Arm.Combined)) problems.Add(Messages.Problem("masks-nothing", own));
        if (study.Arms.Contains(Arm.Combined) && study.Combined.Any(c => c.FromLocal)) problems.Add(Messages.Problem("masks-own-models", arms));
        if (study.TrainingSites.Count < SecureRoundPlan.LeastContributors)
        {
            problems.Add(Messages.Problem("masks-too-few-sites", own, study.TrainingSites.Count, SecureRoundPlan.LeastContributors));
            return;
        }
        for (var i = 0; i < study.AllFederations.Count; i++)
        {
            var index = i;
            Federation(study, study.AllFederations[i], section, key => StudyChecks.FederationPlace(study, at, index, key), own, problems);
        }
    }

    private static void Federation(StudySection study, FederationSection federation, SecureAggregationSection section, Func<string, Place> place, Place own, ProblemList problems)
    {
        switch (federation.Strategy)
        {
            case MedianSection or TrimmedMeanSection or KrumSection or MultiKrumSection or GeometricMedianSection:
                problems.Add(Messages.Problem("masks-need-a-sum", place("strategy"), federation.Strategy.Kind));
                break;
            case FedNovaSection:
                problems.Add(Messages.Problem("masks-need-counts", place("strategy"), federation.Strategy.Kind));
                break;
        }
        if (federation.Gate.MaxNorm is not null) problems.Add(Messages.Problem("masks-hide-norms", place("gate")));
        var cohort = federation.Cohort.Of(study.TrainingSites.Count);
        if (cohort < SecureRoundPlan.LeastContributors || cohort > study.TrainingSites.Count)
        {
            if (cohort < SecureRoundPlan.LeastContributors) problems.Add(Messages.Problem("masks-too-few-sites", place("cohort"), cohort, SecureRoundPlan.LeastContributors));
            return;
        }
        var (threshold, _) = SecureRoundPlan.Shape(cohort, section.Adversary, section.Graph);
        if (federation.Quorum.Of(cohort) < threshold) problems.Add(Messages.Problem("masks-quorum", place("quorum"), federation.Quorum.Of(cohort), threshold, cohort));
        try
        {
            _ = new MaskedEncoding(section, federation.Weights, cohort, 1, 1);
        }
        catch (ArgumentException tooNarrow)
        {
            problems.Add(Messages.Problem("masks-wrap", own, cohort, tooNarrow.Message.Split(" (Parameter")[0]));
        }
    }
}
