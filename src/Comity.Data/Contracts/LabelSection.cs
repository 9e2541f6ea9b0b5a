using Comity.Declarations;

namespace Comity.Data.Contracts;

/// <summary>What a label is, where it is not a class.</summary>
public enum LabelKind
{
    /// <summary>A number to be predicted.</summary>
    Number,

    /// <summary>The column is a text, and each of its characters is predicted from those before it.</summary>
    NextToken,

    /// <summary>The column is a text, and hidden characters are predicted from those around them.</summary>
    MaskedToken,

    /// <summary>The column holds a tag for each word of the text, with blanks between them.</summary>
    Tags,
}

/// <summary>The column to be predicted: <c>contract.label</c>.</summary>
[Doc("The column to be predicted: 'positive' for two classes, 'classes' for several, 'kind: number' for a value, 'kind: next-token' or 'masked-token' for a text that is its own label, 'kind: tags' with 'classes' for a tag by word.")]
public sealed record LabelSection : ICheckedDeclaration
{
    /// <summary>Name of the column in every site's source.</summary>
    [Doc("Name of the column in every site's source.")]
    public required string Column { get; init; }

    /// <summary>Which values are positive.</summary>
    [Doc("Which values are positive: a comparison such as \"> 0\", a value, or a list.")]
    public LabelRule? Positive { get; init; }

    /// <summary>Which values are negative; empty: all others.</summary>
    [Doc("Which values are negative; without it all others are. With it any third value is an error.")]
    public IReadOnlyList<string> Negative { get; init; } = [];

    /// <summary>The classes, in the order of the model's outputs.</summary>
    [Doc("The classes, in the order of the model's outputs; of two, the second is the positive one. With kind: tags the tags, such as [O, B-PER, I-PER].")]
    public IReadOnlyList<string> Classes { get; init; } = [];

    /// <summary>Names of the negative and the positive class in results.</summary>
    [Doc("Names of the negative and the positive class in results.")]
    public IReadOnlyList<string> Names { get; init; } = [];

    /// <summary><c>number</c> for regression; <c>next-token</c> and <c>masked-token</c> for a text that is its own label; <c>tags</c> for a tag by word.</summary>
    [Doc("number: a value is predicted (regression). next-token: each character of the text column is predicted from those before it. masked-token: hidden characters from those around them. tags: the column holds a tag for each word, with blanks between them.")]
    public LabelKind? Kind { get; init; }

    /// <summary>Bounds of a numeric label.</summary>
    [Doc("Bounds of a numeric label, both included.")]
    public ValueRange? Range { get; init; }

    /// <summary>Unit of a numeric label, for people.</summary>
    [Doc("Unit of a numeric label, for people.")]
    public string? Unit { get; init; }

    /// <summary>Texts that mean 'not known'; such rows are left out.</summary>
    [Doc("Texts that mean 'not known'; such rows are left out.")]
    public IReadOnlyList<string> Missing { get; init; } = [];

    /// <summary>Whether the column is a text that is its own label.</summary>
    internal bool IsText => Kind is LabelKind.NextToken or LabelKind.MaskedToken;

    /// <summary>Whether each word of the text has a label of its own.</summary>
    internal bool IsTags => Kind == LabelKind.Tags;

    /// <summary><c>binary</c>, <c>multiclass</c>, <c>regression</c>, <c>next-token</c>, <c>masked-token</c> or <c>tagging</c>.</summary>
    public string TaskName => Kind switch { LabelKind.NextToken => "next-token", LabelKind.MaskedToken => "masked-token", LabelKind.Tags => "tagging", _ => ValueTaskName };

    private string ValueTaskName => Kind == LabelKind.Number ? "regression" : Positive is not null || Classes.Count == 2 ? "binary" : "multiclass";

    /// <summary>Names of the classes in the order of the outputs (negative, positive); empty for regression and for texts.</summary>
    public IReadOnlyList<string> ClassNames
    {
        get
        {
            if (Kind is not null) return [];
            if (Positive is null) return Classes;
            if (Names.Count == 2) return Names;
            var positive = Positive.Text;
            var negative = Negative.Count > 0 ? string.Join('|', Negative) : positive switch { "1" => "0", "true" => "false", "yes" => "no", _ => $"not {positive}" };
            return [negative, positive];
        }
    }

    /// <inheritdoc/>
    public void Check(DeclaredNode.Map at, ProblemList problems)
    {
        var ways = (Positive is null ? 0 : 1) + (Classes.Count == 0 || IsTags ? 0 : 1) + (Kind is null ? 0 : 1);
        if (ways != 1) problems.Add(Messages.Problem("label-way", at.Place, Column, ways));
        if (at["classes"] is { } classes && Classes.Count < 2) problems.Add(Messages.Problem("label-few-classes", classes.Place, Classes.Count));
        if (IsTags && at["classes"] is null) problems.Add(Messages.Problem("tags-without-classes", at.Place, Column));
        foreach (var tag in IsTags ? Classes.Where(t => t.Length == 0 || t.Any(char.IsWhiteSpace)) : []) problems.Add(Messages.Problem("tag-with-blank", at["classes"]!.Place, tag));
        foreach (var twice in Classes.GroupBy(Level.Canonical).Where(g => g.Count() > 1))
            problems.Add(Messages.Problem("value-twice", at["classes"]!.Place, twice.Key, Column));
        if (Names.Count > 0 && (Positive is null || Names.Count != 2 || Names[0] == Names[1])) problems.Add(Messages.Problem("label-names", at["names"]!.Place, Names.Count));
        if (Negative.Count > 0 && Positive?.Operator is not (null)) problems.Add(Messages.Problem("label-negative", at["negative"]!.Place, Positive.Text));
        if (Negative.Count > 0 && Positive is null) problems.Add(Messages.Problem("label-negative", at["negative"]!.Place, ""));
        foreach (var both in Negative.Intersect(Positive?.Values ?? []))
            problems.Add(Messages.Problem("value-twice", at["negative"]!.Place, both, Column));
        if (Range is not null && Kind != LabelKind.Number) problems.Add(Messages.Problem("key-of-other-kind", at["range"]!.Place, "range", TaskName, "number"));
        if (Unit is not null && Kind != LabelKind.Number) problems.Add(Messages.Problem("key-of-other-kind", at["unit"]!.Place, "unit", TaskName, "number"));
    }
}
