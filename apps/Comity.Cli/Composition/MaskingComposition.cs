using Comity.Data.Shared;
using Comity.Declarations;
using Comity.Federation.Studies;

namespace Comity.Cli.Composition;

/// <summary>Statistics that a study with secure aggregation would need and no sum can tell: each with what would do instead.</summary>
internal static class MaskingComposition
{
    public static void Check(DeclaredStudy declared, StudyData data, ProblemList problems)
    {
        if (declared.Section.Privacy?.SecureAggregation is null) return;
        var features = (declared.Section.Contract as DeclaredNode.Map)?["features"] as DeclaredNode.List;
        foreach (var (column, what) in SharedStatistics.NotSums(data.Contract, data.Preprocess))
        {
            var index = data.Contract.Features.ToList().FindIndex(f => f.Column == column);
            var place = features is not null && index < features.Items.Count ? features.Items[index].Place : declared.Section.Contract.Place;
            problems.Add(Texts.Problem(what switch { "values" => "masks-no-values", "characters" => "masks-characters", _ => "masks-extremes" }, place, column));
        }
    }
}
