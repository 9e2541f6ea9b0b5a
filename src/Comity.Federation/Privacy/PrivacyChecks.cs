using Comity.Declarations;
using Comity.Federation.Studies;

namespace Comity.Federation.Privacy;

/// <summary>What does not go together with the privacy that a study asks for, as far as this room knows: arms and joins that move a site's own model.</summary>
internal static class PrivacyChecks
{
    public static void Check(StudySection study, DeclaredNode.Map at, ProblemList problems)
    {
        Metrics(study, at, problems);
        if (study.Privacy?.DifferentialPrivacy is null) return;
        var arms = at["arms"]?.Place ?? at.Place;
        // A site's own model is trained without noise, so it may not leave; another site would use or join it.
        foreach (var arm in new[] { Arm.Partner, Arm.Combined })
        {
            if (study.Arms.Contains(arm)) problems.Add(Messages.Problem("privacy-moves-own-model", arms, arm == Arm.Partner ? "partner" : "combined"));
        }
    }

    private static void Metrics(StudySection study, DeclaredNode.Map at, ProblemList problems)
    {
        if (study.Privacy?.Metrics is null) return;
        var place = (at["privacy"] as DeclaredNode.Map)?["metrics"]?.Place ?? at.Place;
        // Where a model leaves that was fitted without noise, noise on what is said of it hides nobody.
        if (study.Privacy.DifferentialPrivacy is not { Unit: PrivacyUnit.Record }) problems.Add(Messages.Problem("metrics-need-record-privacy", place));
        if (study.Search is not null || study.AllFederations.Any(f => f.Search is not null)) problems.Add(Messages.Problem("metrics-search", place));
    }
}
