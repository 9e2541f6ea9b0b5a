using Comity.Federation.Results;

namespace Comity.Insight.Evidence;

/// <summary>A site's own model and the common model, on the site's own test rows or on those of all other sites.</summary>
/// <param name="Site">The site; null: the mean over the sites.</param>
/// <param name="Own">Its own model's score.</param>
/// <param name="Common">The common model's score on the same rows.</param>
public sealed record OwnAgainstCommon(string? Site, Score Own, Score Common);

/// <summary>The two headline figures: own models do well at home and worse abroad; does one common model do well in both?</summary>
/// <param name="Home">By site, on its own test rows; the mean over the sites comes last.</param>
/// <param name="Abroad">By site whose model travels, on the other sites' test rows; the mean over the sites comes last.</param>
public sealed record HomeAndAbroad(IReadOnlyList<OwnAgainstCommon> Home, IReadOnlyList<OwnAgainstCommon> Abroad)
{
    /// <summary>Compares at home and abroad.</summary>
    /// <param name="results">A study's results.</param>
    /// <param name="metric">A metric's name; null: the primary one.</param>
    public static HomeAndAbroad Of(StudyResults results, string? metric = null) => Of(results, new TestScores(results), metric);

    internal static HomeAndAbroad Of(StudyResults results, TestScores scores, string? metric = null)
    {
        metric ??= results.PrimaryMetric;
        if (ModelId.Common(results) is not { } common) return new([], []);
        var sites = results.Sites.Select(s => s.Id).ToList();
        var home = sites.Select(s => (Site: s, Places: (List<string>)[s])).ToList();
        // Each site's own model travels to every other site. Beyond a few sites that is n² judgements that nobody made.
        var abroad = sites.Count > MatrixView.SitesInFull ? [] : sites.Select(s => (Site: s, Places: sites.Where(o => o != s).ToList())).ToList();
        return new(Lines(home), Lines(abroad));

        List<OwnAgainstCommon> Lines(List<(string Site, List<string> Places)> groups)
        {
            var lines = new List<OwnAgainstCommon>();
            var counted = new List<(string Site, string Place)>();
            foreach (var (site, places) in groups)
            {
                // Both means must be over the same rows.
                var judged = places.Where(p => IsDefined("local/" + site, p) && IsDefined(At(p), p)).ToList();
                if (judged.Count == 0) continue;
                lines.Add(new(site, scores.Mean(judged.Select(p => ("local/" + site, p)), metric)!, scores.Mean(judged.Select(p => (At(p), p)), metric)!));
                counted.AddRange(judged.Select(p => (site, p)));
            }
            if (lines.Count > 1)
                lines.Add(new(null, scores.Mean(counted.Select(c => ("local/" + c.Site, c.Place)), metric)!, scores.Mean(counted.Select(c => (At(c.Place), c.Place)), metric)!));
            return lines;
        }

        string At(string place) => common.Site == ModelId.EachSite ? common.At(place) : common.Id;

        bool IsDefined(string model, string place) => scores.Of(model, place, metric) is { } score && !double.IsNaN(score.Mean);
    }
}
