using Comity.Declarations;

namespace Comity.Learning.Evaluation;

internal static class EvaluationMessages
{
    private static readonly MessageCatalog Catalog = new(typeof(EvaluationMessages), "Comity.Learning.Resources.Evaluation");

    public static Problem Problem(string code, Place place, params object?[] arguments) => new(Catalog, code, place, arguments);
}
