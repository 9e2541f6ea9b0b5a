namespace Comity.Learning;

internal static class TaskNames
{
    public static string Of(TaskKind task) => task switch
    {
        TaskKind.Binary => "binary",
        TaskKind.Multiclass => "multiclass",
        _ => "regression",
    };
}
