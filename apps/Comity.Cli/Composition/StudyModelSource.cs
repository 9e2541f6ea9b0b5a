using Comity.Data.Shared;
using Comity.Federation.Sites;
using Comity.Tensors.Randomness;

namespace Comity.Cli.Composition;

/// <summary>The study author's part: layout and first weights.</summary>
internal sealed class StudyModelSource(ComposedStudy study, Trainers trainers, SiteRecords anySite, Seed seed) : IModelSource
{
    public IReadOnlyList<string> StatisticsSteps => SharedStatistics.Steps(study.Contract, study.Preprocess);

    public ValueTask<ModelStart> StartAsync(int repeat, Statistics agreed, CancellationToken cancellationToken)
    {
        // The width follows from the agreed categories, so any site's preprocessing tells it, also with statistics by site.
        var model = trainers.Model(anySite.Preprocessing(repeat, agreed).Form.ToLearning());
        var parameters = new float[model.Layout.Length];
        model.Initialise(parameters, seed.For("initialise", repeat).ToRandom());
        return new(new ModelStart(model.Layout, parameters, study.Contract.Label.TaskName, study.Classes));
    }
}
