using Comity.Cli.Composition;
using Comity.Data.Shared;
using Comity.Federation.Sites;
using Comity.Federation.Studies;

namespace Comity.Cli.Sites;

/// <summary>What would leave a site if it took part in a study, in words for the person who answers for the records.</summary>
internal static class StudySummary
{
    public static IEnumerable<string> Lines(Session session, ComposedStudy study, SiteFile site)
    {
        var (section, contract) = (study.Study, study.Contract);
        string Text(string key, params object?[] arguments) => session.Text("summary." + key, arguments);
        string List(IEnumerable<string> items) => string.Join(", ", items);
        yield return Text("study", section.Study, section.Author ?? "-", section.Purpose ?? "-");
        yield return Text("learns", contract.Label.Column, List(contract.Features.Select(f => f.Column)));
        if (contract.Sensitive.Count > 0) yield return Text("groups", List(contract.Sensitive.Select(s => s.Column)));
        var besides = study.Data.Sections.ReadColumns.Except([contract.Label.Column, .. contract.Features.Select(f => f.Column), .. contract.Sensitive.Select(s => s.Column)], StringComparer.Ordinal).ToList();
        if (besides.Count > 0) yield return Text("besides", List(besides));
        yield return Text("with", section.Sites.Count - 1, List(section.Sites.Where(s => s.Id != site.Site).Select(s => s.Id)), List(section.Markets.Select(m => m.Jurisdiction).Distinct(StringComparer.Ordinal)));
        yield return Text("leaves");
        var steps = SharedStatistics.Steps(contract, study.Preprocess);
        if (steps.Count > 0) yield return "  - " + Text("statistics", List(steps), section.Repeats);
        foreach (var federation in section.AllFederations.Where(_ => section.Arms.Contains(Arm.Federated)))
            yield return "  - " + Text("updates", federation.Id, federation.Rounds, section.Repeats);
        if (section.Arms.Contains(Arm.Partner) || section.Arms.Contains(Arm.Local)) yield return "  - " + Text(site.Policy.ReleaseLocalModel ? "own-model" : "own-model-stays");
        yield return "  - " + Text("metrics", Disclosure.DefaultThreshold);
        yield return Text("stays");
        yield return section.Privacy?.DifferentialPrivacy is { } noise ? Text("noise", noise.Epsilon, noise.Delta) : Text("no-noise");
        yield return Text(section.Privacy?.SecureAggregation is null ? "no-masks" : "masks");
    }
}
