using Comity.Federation.Results;

namespace Comity.Insight.Evidence;

/// <summary>A setting as all searches of a model saw it.</summary>
/// <param name="Model">The model; of models that differ by their site only, their family.</param>
/// <param name="Setting">The values.</param>
/// <param name="Metric">Metric that decided.</param>
/// <param name="Score">Its mean on validation rows over the searches in which training ended well; NaN: none.</param>
/// <param name="Chosen">Searches that chose it.</param>
/// <param name="Searches">Searches that tried it.</param>
/// <param name="IsMostChosen">Whether no other setting of the model was chosen as often.</param>
public sealed record SearchLine(string Model, string Setting, string Metric, double Score, int Chosen, int Searches, bool IsMostChosen)
{
    /// <summary>All lines, by model in the order of the results.</summary>
    public static IReadOnlyList<SearchLine> Of(StudyResults results)
    {
        ArgumentNullException.ThrowIfNull(results);
        var sites = results.Sites.Select(s => s.Id).ToHashSet(StringComparer.Ordinal);
        var lines = new List<SearchLine>();
        foreach (var model in results.Searches.GroupBy(s => ModelId.Parse(s.Model, sites).Family))
        {
            var settings = model.GroupBy(s => s.Setting).ToList();
            var most = settings.Max(s => s.Count(t => t.Chosen));
            lines.AddRange(settings.Select(s => new SearchLine(
                model.Key, s.Key, s.First().Metric, Mean(s.Select(t => t.ValidationScore)), s.Count(t => t.Chosen), s.Count(), s.Count(t => t.Chosen) == most)));
        }
        return lines;
    }

    private static double Mean(IEnumerable<double> values)
    {
        var known = values.Where(double.IsFinite).ToList();
        return known.Count == 0 ? double.NaN : known.Average();
    }
}
