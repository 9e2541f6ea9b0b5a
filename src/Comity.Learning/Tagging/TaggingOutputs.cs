namespace Comity.Learning.Tagging;

/// <summary>What a model that tags says of a row: sums over its tokens, from which every metric can be reckoned again.</summary>
public static class TaggingOutputs
{
    /// <summary>Names of the values, in their order: the tags' cost in nats, tokens tagged rightly, entities in the row, entities found, and found rightly.</summary>
    public static IReadOnlyList<string> Names { get; } = ["cost", "right", "entities", "found", "matched"];

    /// <summary>Values of a row.</summary>
    public const int Count = 5;

    internal static void Write(Span<float> row, double cost, int right, EntityCounts entities) =>
        (row[0], row[1], row[2], row[3], row[4]) = ((float)cost, right, entities.Given, entities.Found, entities.Matched);
}

/// <summary>Entities of a row.</summary>
/// <param name="Given">That its tags hold.</param>
/// <param name="Found">That a model named.</param>
/// <param name="Matched">Of these, those with the right kind, first and last token.</param>
public readonly record struct EntityCounts(int Given, int Found, int Matched);
