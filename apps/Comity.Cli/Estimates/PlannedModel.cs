using Comity.Cli.Composition;
using Comity.Federation.Encodings;
using Comity.Federation.Strategies;
using Comity.Federation.Studies;
using Comity.Tensors.Parameters;

namespace Comity.Cli.Estimates;

/// <summary>One kind of model that a study trains, counted before it starts.</summary>
/// <param name="Id">Model id; <c>local/*</c> stands for every site's own.</param>
/// <param name="Count">Models of the kind in one repeat, personal ones included.</param>
/// <param name="Rounds">Rounds of one repeat.</param>
/// <param name="RowPasses">Training rows times passes over them, in one repeat.</param>
/// <param name="Bytes">Bytes that cross sites' borders in one repeat.</param>
/// <param name="Changes">What the federation changes in the training section, as JSON text; null: nothing.</param>
internal sealed record PlannedModel(string Id, int Count, int Rounds, long RowPasses, long Bytes, string? Changes)
{
    /// <summary>Everything that the study's arms train.</summary>
    /// <param name="study">The study.</param>
    /// <param name="rows">Training rows by site.</param>
    /// <param name="layout">The model's layout.</param>
    public static IReadOnlyList<PlannedModel> All(ComposedStudy study, IReadOnlyList<int> rows, ParameterLayout layout)
    {
        var section = study.Study;
        var planned = new List<PlannedModel>();
        var all = rows.Sum(r => (long)r);
        var epochs = study.Training.Epochs;
        var times = 1 + (section.Search?.Settings ?? 0);
        var joins = section.Arms.Contains(Arm.Combined) && section.Combined.Any(c => c.FromLocal);
        if (section.Arms.Contains(Arm.Local) || section.Arms.Contains(Arm.Partner) || joins)
            planned.Add(new PlannedModel("local/*", rows.Count, 0, all * epochs * times, 0, null));
        if (section.Arms.Contains(Arm.Pooled)) planned.Add(new PlannedModel("pooled", 1, 0, all * epochs * times, 0, null));
        if (section.Arms.Contains(Arm.Federated)) planned.AddRange(section.AllFederations.Select(f => Searched(f, rows.Count, all, layout)));
        if (section.Arms.Contains(Arm.Combined)) planned.AddRange(section.Combined.Select(c => OfCombination(c, rows.Count, all, layout.Length)));
        return planned;
    }

    private static PlannedModel Searched(FederationSection federation, int sites, long rows, ParameterLayout layout)
    {
        var chosen = OfFederation(federation, sites, rows, layout);
        var tries = federation.Settings.Select(s => OfFederation(s.Federation with { Personalise = null, Rounds = federation.Search?.Rounds ?? s.Federation.Rounds }, sites, rows, layout)).ToList();
        return chosen with { Rounds = chosen.Rounds + tries.Sum(t => t.Rounds), RowPasses = chosen.RowPasses + tries.Sum(t => t.RowPasses), Bytes = chosen.Bytes + tries.Sum(t => t.Bytes) };
    }

    private static PlannedModel OfFederation(FederationSection federation, int sites, long rows, ParameterLayout layout)
    {
        var cohort = federation.Cohort.Of(sites);
        // SCAFFOLD sends a control variate beside the model, both ways.
        var vectors = federation.Strategy is ScaffoldSection ? 2L : 1L;
        var down = (VectorEncoding.OfModel(federation.Encoding, layout)?.PackedLength ?? layout.Length) + ((vectors - 1) * layout.Length);
        var up = VectorEncoding.OfUpdates(federation.Encoding, layout)?.PackedLength ?? (vectors * layout.Length);
        var passes = rows * cohort / sites * federation.Rounds * federation.LocalEpochs;
        passes += federation.Personalise switch
        {
            FineTuneSection fine => rows * fine.Epochs,
            DittoSection ditto => rows * cohort / sites * federation.Rounds * (ditto.Epochs ?? federation.LocalEpochs),
            _ => 0,
        };
        var changes = federation.Training is { } own ? DeclaredJson.Write(own) : null;
        return new PlannedModel(
            $"federated/{federation.Id}", 1 + (federation.Personalise is null ? 0 : sites), federation.Rounds, passes,
            4L * (down + up) * cohort * federation.Rounds, changes);
    }

    private static PlannedModel OfCombination(CombinedSection combined, int sites, long rows, int parameters)
    {
        var (rounds, epochs, teachers) = combined.By switch
        {
            CombineByFineTuning fine => (fine.Rounds, fine.LocalEpochs, 0L),
            CombineByDistillation distil => (distil.Rounds, distil.LocalEpochs, 1L),
            _ => (0, 0, 0L),
        };
        var before = combined.FromLocal ? 4L * parameters * sites : 0;
        return new PlannedModel($"combined/{combined.Id}", 1, rounds, rows * rounds * epochs, before + 4L * parameters * (2 + teachers) * sites * rounds, null);
    }
}
