namespace Comity.Federation.Studies;

/// <summary>Which sites a study can begin without; they enter at the next round once they come.</summary>
public static class LateSites
{
    /// <summary>Whether the study may begin while sites are missing: in every federation the rest makes the quorum, however a cohort is drawn.</summary>
    /// <param name="study">The study.</param>
    /// <param name="missing">Sites that have not come.</param>
    /// <remarks>
    /// All sites are waited for where something else needs them: masks and noise are made for those that take part, a search is judged by
    /// all of them, joined models are made of everybody's, and a site that only judges is missed in no quorum.
    /// </remarks>
    public static bool MayBeginWithout(this StudySection study, IReadOnlyCollection<string> missing)
    {
        ArgumentNullException.ThrowIfNull(study);
        ArgumentNullException.ThrowIfNull(missing);
        if (missing.Count == 0) return true;
        if (!study.Arms.Contains(Arm.Federated) || study.Arms.Contains(Arm.Combined) || study.Privacy is not null || study.Search is not null) return false;
        var training = study.TrainingSites.Select(s => s.Id).ToHashSet(StringComparer.Ordinal);
        return missing.All(training.Contains) && study.AllFederations.All(f => Allows(f, training.Count, missing));
    }

    private static bool Allows(FederationSection federation, int sites, IReadOnlyCollection<string> missing)
    {
        var cohort = federation.Cohort.Of(sites);
        return federation.Search is null && !federation.Required.Any(missing.Contains) && cohort - missing.Count >= Math.Max(federation.Quorum.Of(cohort), federation.Strategy.FewestUpdates);
    }
}
