using Comity.Data.Cleaning;
using Comity.Data.Contracts;
using Comity.Data.Preprocess;
using Comity.Data.Splits;
using Comity.Federation.Studies;
using Comity.Learning;
using Comity.Learning.Evaluation;
using Comity.Learning.Models;
using Comity.Learning.Training;

namespace Comity.Cli.Composition;

/// <summary>A study with the sections of every room bound and checked.</summary>
/// <param name="Data">What the records are.</param>
/// <param name="Model">What is trained.</param>
/// <param name="Training">How.</param>
/// <param name="Evaluation">How it is judged.</param>
internal sealed record ComposedStudy(StudyData Data, ModelSection Model, TrainingSection Training, EvaluationSection Evaluation)
{
    public DeclaredStudy Declared => Data.Declared;

    public StudySection Study => Data.Declared.Section;

    public ContractSection Contract => Data.Contract;

    public SplitSection Split => Data.Split;

    public CleanSection Clean => Data.Clean;

    public PreprocessSection Preprocess => Data.Preprocess;

    public TaskKind Task { get; } = TaskOf(Data.Contract);

    public IReadOnlyList<string> Classes { get; } = Data.Contract.Label.ClassNames;

    public static TaskKind TaskOf(ContractSection contract) => contract.Label.TaskName switch
    {
        "binary" => TaskKind.Binary,
        "multiclass" => TaskKind.Multiclass,
        "next-token" => TaskKind.NextToken,
        "masked-token" => TaskKind.MaskedToken,
        "tagging" => TaskKind.Tagging,
        _ => TaskKind.Regression,
    };
}
