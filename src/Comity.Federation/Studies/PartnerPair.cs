using Comity.Declarations;

namespace Comity.Federation.Studies;

/// <summary>One site's model used at another, written <c>[from, to]</c>.</summary>
/// <param name="From">Site that trained the model.</param>
/// <param name="To">Site that uses it.</param>
/// <param name="Place">Where the pair stands.</param>
public sealed record PartnerPair(string From, string To, Place Place) : IDeclaredValue<PartnerPair>
{
    /// <inheritdoc/>
    public static string Schema => """{ "type": "array", "items": { "type": ["string", "number"] }, "minItems": 2, "maxItems": 2 }""";

    /// <inheritdoc/>
    public static PartnerPair? ReadDeclared(DeclaredNode node, ProblemList problems)
    {
        if (node is DeclaredNode.List { Items: [DeclaredNode.Scalar from, DeclaredNode.Scalar to] })
            return new PartnerPair(from.Text, to.Text, node.Place);
        problems.Add(Messages.Problem("pair-form", node.Place));
        return null;
    }
}
