using Comity.Data.Shared;
using Comity.Federation.Sites;
using Comity.Learning;
using Comity.Learning.Models;
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
        if (study.Task == TaskKind.Regression && agreed.ToData().LabelMoments(study.Contract) is { } label) StartAtLabels(model, parameters, label.Mean, label.Deviation);
        return new(new ModelStart(model.Layout, parameters, study.Contract.Label.TaskName, study.Classes));
    }

    /// <summary>Brings the first outputs to where the labels are.</summary>
    /// <remarks>
    /// First weights are made for outputs of the order of 1. An optimiser that moves each weight by about its learning rate would spend most of a
    /// training on reaching the label's own scale, and layers whose values are bounded would end up cutting off its largest values.
    /// </remarks>
    private static void StartAtLabels(Model model, Span<float> parameters, double mean, double deviation)
    {
        foreach (var entry in model.Layout.Entries)
        {
            if (entry.Name == "output.weight")
                foreach (ref var weight in model.Layout.Slice(parameters, entry)) weight *= (float)deviation;
            else if (entry.Name == "output.bias")
                foreach (ref var bias in model.Layout.Slice(parameters, entry)) bias = (float)(mean + deviation * bias);
        }
    }
}
