using System.Text.Json.Nodes;
using Comity.Data.Cleaning;
using Comity.Data.Contracts;
using Comity.Data.Preprocess;
using Comity.Data.Sources;
using Comity.Data.Splits;
using Comity.Data.Synthetic;
using Comity.Declarations;
using Comity.Federation.Studies;
using Comity.Learning.Evaluation;
using Comity.Learning.Models;
using Comity.Learning.Training;

namespace Comity.Cli.Composition;

/// <summary>One JSON Schema for the whole study file, composed of the sections that each room owns.</summary>
internal static class StudySchema
{
    private static readonly Dictionary<string, Type> Owners = new(StringComparer.Ordinal)
    {
        ["contract"] = typeof(ContractSection),
        ["split"] = typeof(SplitSection),
        ["clean"] = typeof(CleanSection),
        ["preprocess"] = typeof(PreprocessSection),
        ["synthetic"] = typeof(SyntheticSection),
        ["sites[].source"] = typeof(SourceSection),
        ["model"] = typeof(ModelSection),
        ["training"] = typeof(TrainingSection),
        ["evaluation"] = typeof(EvaluationSection),
        ["federation.training"] = typeof(TrainingSection),
        ["federation.personalise.training"] = typeof(TrainingSection),
        ["federations[].training"] = typeof(TrainingSection),
        ["federations[].personalise.training"] = typeof(TrainingSection),
    };

    public static JsonObject Write() => SchemaWriter.Write(typeof(StudySection), Owners);
}
