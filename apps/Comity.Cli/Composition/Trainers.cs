using System.Collections.Concurrent;
using Comity.Declarations;
using Comity.Learning;
using Comity.Learning.Models;
using Comity.Learning.Training;
using Comity.Tensors.Kernels;

namespace Comity.Cli.Composition;

/// <summary>The study's model and its trainers, shared by all sites: a trainer keeps its memory, so that rounds allocate little.</summary>
/// <param name="study">The study.</param>
/// <param name="kernels">What computes; null: the best of this processor, on the caller's thread alone.</param>
internal sealed class Trainers(ComposedStudy study, KernelSet? kernels = null)
{
    // A search has hundreds of settings, each used for a while.
    private const int KeptSettings = 16;

    private readonly ConcurrentDictionary<InputShape, Model> _models = new();
    private readonly ConcurrentDictionary<(InputShape Input, string Changes), Trainer> _trainers = new();

    /// <summary>Where a number stopped being finite last; null: nowhere.</summary>
    public DivergedTraining? LastDiverged { get; private set; }

    /// <summary>Told of each training that diverged, where somebody reads along.</summary>
    public Action<DivergedTraining>? WhenDiverged { get; init; }

    /// <summary>Keeps where a training diverged, for who asks once the run has stopped.</summary>
    public void Diverged(DivergedTraining where)
    {
        LastDiverged = where;
        WhenDiverged?.Invoke(where);
    }

    /// <summary>The model for what a row holds.</summary>
    /// <exception cref="InvalidDeclarationException">Too large, for what the categories that were found make of it.</exception>
    public Model Model(InputShape input) => _models.GetOrAdd(input, shape => ModelMaking.Make(study.Model, study.Study.Model.Place, shape, study.Task, study.Classes.Count, kernels));

    /// <summary>The trainer with what a federation changes in the training section (JSON text; null: nothing).</summary>
    /// <exception cref="InvalidDeclarationException">The changes don't fit; the study's check finds that before a run starts.</exception>
    public Trainer Trainer(InputShape input, string? changes)
    {
        if (_trainers.Count > KeptSettings) _trainers.Clear(); // who uses one keeps it
        return _trainers.GetOrAdd((input, changes ?? ""), key => new Trainer(Model(input), Section(key.Changes)));
    }

    /// <summary>Gives back what trainers and models worked in, once a phase of the run is over; one asked for later is made anew.</summary>
    public void Release()
    {
        _trainers.Clear();
        _models.Clear();
    }

    /// <summary>The training section with what a federation changes in it.</summary>
    public TrainingSection Section(string? changes)
    {
        if (string.IsNullOrEmpty(changes)) return study.Training;
        var problems = new ProblemList();
        var section = TrainingSection.Read(study.Study.Training, changes, problems);
        problems.ThrowIfErrors();
        return section!;
    }
}

/// <summary>Where a training diverged.</summary>
/// <param name="Model">The model's id.</param>
/// <param name="Site">The site, or the pool.</param>
/// <param name="Round">The round; 0: trained alone.</param>
/// <param name="Where">The step, and the operation.</param>
internal sealed record DivergedTraining(string Model, string Site, int Round, Divergence Where)
{
    /// <summary>In words.</summary>
    public string Told(Session session) =>
        session.Text("run.diverged", Model, Site, Round, Where.Step, Where.Operation?.ToString() ?? session.Text("run.diverged.norm"));
}
