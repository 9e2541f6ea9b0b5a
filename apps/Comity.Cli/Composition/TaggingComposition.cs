using Comity.Declarations;
using Comity.Federation.Privacy;
using Comity.Federation.Studies;
using Comity.Learning;

namespace Comity.Cli.Composition;

/// <summary>What does not go together with a tag for each word, seen over all rooms' sections: refused by name rather than done wrongly.</summary>
internal static class TaggingComposition
{
    public static void Check(DeclaredStudy declared, StudyData data, ProblemList problems)
    {
        if (ComposedStudy.TaskOf(data.Contract) != TaskKind.Tagging) return;
        var study = declared.Section;
        // The loss is a mean over tokens, so that a record with many would weigh more than the clip says.
        if (study.Privacy?.DifferentialPrivacy is { Unit: PrivacyUnit.Record }) problems.Add(Texts.Problem("tags-exclude", PlaceOf(declared.Root, "privacy"), "privacy.differentialPrivacy: unit: record", "unit: site"));
        if (study.Combined.Any(c => c.By is CombineByDistillation)) problems.Add(Texts.Problem("tags-exclude", PlaceOf(declared.Root, "combined"), "combined: by: distil", "by: fine-tune"));
    }

    private static Place PlaceOf(DeclaredNode.Map root, string key) => root[key]?.Place ?? root.Place;
}
