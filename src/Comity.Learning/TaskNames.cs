namespace Comity.Learning;

/// <summary>Tasks as studies and results name them.</summary>
public static class TaskNames
{
    /// <summary>Whether a text is its own label: tokens are predicted from other tokens.</summary>
    public static bool IsLanguage(this TaskKind task) => task is TaskKind.NextToken or TaskKind.MaskedToken;

    /// <summary>Whether the label is one of some classes.</summary>
    public static bool HasClasses(this TaskKind task) => task is TaskKind.Binary or TaskKind.Multiclass;

    /// <summary>The name of a task.</summary>
    public static string Of(TaskKind task) => task switch
    {
        TaskKind.Binary => "binary",
        TaskKind.Multiclass => "multiclass",
        TaskKind.NextToken => "next-token",
        TaskKind.MaskedToken => "masked-token",
        _ => "regression",
    };
}
