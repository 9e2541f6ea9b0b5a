namespace Comity.Learning;

/// <summary>Tasks as studies and results name them.</summary>
public static class TaskNames
{
    /// <summary>Whether each token of a text has something to predict, which stands in the row itself: other tokens, or tags.</summary>
    public static bool IsByToken(this TaskKind task) => task is TaskKind.NextToken or TaskKind.MaskedToken or TaskKind.Tagging;

    /// <summary>Whether the label is one of some classes.</summary>
    public static bool HasClasses(this TaskKind task) => task is TaskKind.Binary or TaskKind.Multiclass;

    /// <summary>The name of a task.</summary>
    public static string Of(TaskKind task) => task switch
    {
        TaskKind.Binary => "binary",
        TaskKind.Multiclass => "multiclass",
        TaskKind.NextToken => "next-token",
        TaskKind.MaskedToken => "masked-token",
        TaskKind.Tagging => "tagging",
        _ => "regression",
    };
}
