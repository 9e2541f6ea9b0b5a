using Comity.Federation.Results;

namespace Comity.Insight.Evidence;

/// <summary>How unequally a model decides about the groups of a sensitive attribute, over repeats.</summary>
/// <param name="Attribute">The attribute.</param>
/// <param name="Measure">The measure's name, such as <c>demographicParityDifference</c>.</param>
/// <param name="Value">Mean over repeats; NaN: undefined in each.</param>
/// <param name="Low">Lower end: bootstrap for one repeat; for several, smallest of the repeats.</param>
/// <param name="High">Upper end.</param>
/// <param name="Rows">Rows whose group is known, in the repeat with the fewest.</param>
/// <param name="Support">Fewest rows that a rate behind the measure stands on in any repeat.</param>
public sealed record GroupDisparity(string Attribute, string Measure, double Value, double Low, double High, int Rows, int Support)
{
    /// <summary>Whether a rate stands on fewer than <see cref="ThinEvidence.FewOfAClass"/> rows, so that one row moves it by a tenth or more.</summary>
    public bool TooFew => Support < ThinEvidence.FewOfAClass;

    /// <summary>Every measure of every attribute in the order of the results.</summary>
    /// <param name="tests">One model's results on one site's test rows, by repeat.</param>
    public static IReadOnlyList<GroupDisparity> Of(IEnumerable<EvaluationInfo> tests)
    {
        var found = new List<GroupDisparity>();
        foreach (var attribute in tests.SelectMany(t => t.Result.Fairness).GroupBy(f => f.Attribute))
        {
            foreach (var measure in attribute.SelectMany(f => f.Measures.Keys).Distinct())
            {
                var values = attribute.Where(f => f.Measures.TryGetValue(measure, out var e) && double.IsFinite(e.Value)).Select(f => f.Measures[measure]).ToList();
                var (value, low, high) = values.Count switch
                {
                    0 => (double.NaN, double.NaN, double.NaN),
                    1 => (values[0].Value, values[0].Low, values[0].High),
                    _ => (values.Average(v => v.Value), values.Min(v => v.Value), values.Max(v => v.Value)),
                };
                found.Add(new(attribute.Key, measure, value, low, high, attribute.Min(f => f.Rows), attribute.Min(f => f.Supports.GetValueOrDefault(measure))));
            }
        }
        return found;
    }
}
