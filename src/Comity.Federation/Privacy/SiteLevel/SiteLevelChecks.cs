using Comity.Declarations;
using Comity.Federation.Strategies;
using Comity.Federation.Studies;

namespace Comity.Federation.Privacy;

/// <summary>What does not go together with hiding whole sites, or with the keys that only it knows.</summary>
internal static class SiteLevelChecks
{
    public static void Check(StudySection study, DeclaredNode.Map at, ProblemList problems)
    {
        if (study.Privacy?.DifferentialPrivacy is not { } section) return;
        var own = (at["privacy"] as DeclaredNode.Map)?["differentialPrivacy"] as DeclaredNode.Map;
        Place PlaceOf(string key) => own?[key]?.Place ?? own?.Place ?? at.Place;
        if (section.Unit == PrivacyUnit.Record)
        {
            if (section.Noise == NoisePlace.Distributed) problems.Add(Messages.Problem("site-privacy-key", PlaceOf("noise"), "noise"));
            if (section.Adaptive is not null) problems.Add(Messages.Problem("site-privacy-key", PlaceOf("adaptive"), "adaptive"));
            return;
        }
        if (section.Noise == NoisePlace.Distributed && study.Privacy.SecureAggregation is null) problems.Add(Messages.Problem("shared-noise-needs-masks", PlaceOf("noise")));
        for (var i = 0; i < study.AllFederations.Count; i++)
        {
            var index = i;
            var (federation, place) = (study.AllFederations[i], (Func<string, Place>)(key => StudyChecks.FederationPlace(study, at, index, key)));
            if (federation.Strategy is not (FedAvgSection or FedAvgMSection or FedProxSection or FedAdamSection or FedYogiSection or FedAdagradSection))
                problems.Add(Messages.Problem("site-privacy-strategy", place("strategy"), federation.Strategy.Kind));
            var node = study.Federation is not null && i == 0 ? at["federation"] : at["federations"] is DeclaredNode.List list ? list.Items[study.Federation is null ? i : i - 1] : at["federations"];
            if (federation.Weights == UpdateWeights.Rows && (node as DeclaredNode.Map)?["weights"] is { } weights) problems.Add(Messages.Problem("site-privacy-weights", weights.Place));
            var cohort = federation.Cohort.Of(study.TrainingSites.Count);
            if (section.Noise == NoisePlace.Distributed && section.Colluding >= federation.Quorum.Of(cohort))
                problems.Add(Messages.Problem("shared-noise-colluding", PlaceOf("colluding"), section.Colluding, federation.Quorum.Of(cohort)));
        }
    }
}
