using Comity.Federation.Studies;

namespace Comity.Federation.Runs;

/// <summary>What follows from the arms of a study.</summary>
internal static class ArmPlan
{
    /// <summary>Whether the sites' own models are needed: for their own arm, for their partners, or to be joined.</summary>
    public static bool TrainsLocal(StudySection study) =>
        study.Arms.Contains(Arm.Local) || study.Arms.Contains(Arm.Partner) || (study.Arms.Contains(Arm.Combined) && study.Combined.Any(c => c.FromLocal));

    /// <summary>Whether a site's own model is judged at another place: only as the partner arm says.</summary>
    public static bool IsUsedAt(StudySection study, string owner, string site) =>
        owner == site || (study.Arms.Contains(Arm.Partner) && (study.Partners.Count == 0 || study.Partners.Any(p => p.From == owner && p.To == site)));

    /// <summary>Whether a site's own model is judged on the union: only where it may be used everywhere.</summary>
    public static bool IsUsedEverywhere(StudySection study) => study.Arms.Contains(Arm.Partner) && study.Partners.Count == 0;
}
