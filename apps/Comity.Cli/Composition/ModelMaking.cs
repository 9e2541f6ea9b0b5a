using Comity.Data.Preprocess;
using Comity.Declarations;
using Comity.Learning;
using Comity.Learning.Models;
using Comity.Tensors.Kernels;

namespace Comity.Cli.Composition;

/// <summary>Makes a study's model; one of more parameters than a vector holds is a problem of the study.</summary>
internal static class ModelMaking
{
    /// <summary>The model for what a row holds.</summary>
    /// <exception cref="InvalidDeclarationException">It has more than 2³¹−1 parameters.</exception>
    public static Model Make(ModelSection section, Place place, InputShape input, TaskKind task, int classes, KernelSet? kernels = null)
    {
        try
        {
            return ModelFactory.Create(section, input, task, classes, kernels);
        }
        catch (OverflowException)
        {
            throw new InvalidDeclarationException([Texts.Problem("model-too-large", place, int.MaxValue)]);
        }
    }

    /// <summary>The model for what the contract says of a row, before any row is read; null: there is none, and <paramref name="problems"/> says so where it is for its size.</summary>
    public static Model? Plan(ModelSection section, Place place, StudyData data, ProblemList problems)
    {
        var (task, input, misfits) = (ComposedStudy.TaskOf(data.Contract), InputForm.Planned(data.Contract).ToLearning(), new ProblemList());
        section.CheckTask(task, place, misfits);
        section.CheckInput(input, place, misfits);
        if (misfits.HasErrors) return null; // told of where the model is checked
        try
        {
            return Make(section, place, input, task, data.Contract.Label.ClassNames.Count);
        }
        catch (InvalidDeclarationException e)
        {
            problems.AddRange(e.Problems);
            return null;
        }
    }
}
