using System.Globalization;
using System.Text.Json.Nodes;
using Comity.Declarations;

namespace Comity.Federation.Studies;

/// <summary>Turns an unread section into JSON text, so that it can travel inside a task.</summary>
public static class DeclaredJson
{
    /// <summary>The JSON text of a node. Plain scalars keep their YAML meaning: numbers, booleans, null, else text.</summary>
    public static string Write(DeclaredNode node) => Convert(node)?.ToJsonString() ?? "null";

    private static JsonNode? Convert(DeclaredNode node) => node switch
    {
        DeclaredNode.Map map => new JsonObject(map.Entries.Select(e => KeyValuePair.Create(e.Key, Convert(e.Value)))),
        DeclaredNode.List list => new JsonArray([.. list.Items.Select(Convert)]),
        DeclaredNode.Scalar { IsNull: true } => null,
        DeclaredNode.Scalar { Quoted: false, Text: "true" or "True" } => JsonValue.Create(true),
        DeclaredNode.Scalar { Quoted: false, Text: "false" or "False" } => JsonValue.Create(false),
        DeclaredNode.Scalar { Quoted: false } s when long.TryParse(s.Text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var n) => JsonValue.Create(n),
        DeclaredNode.Scalar { Quoted: false } s when double.TryParse(s.Text, NumberStyles.Float, CultureInfo.InvariantCulture, out var x) && double.IsFinite(x) => JsonValue.Create(x),
        DeclaredNode.Scalar s => JsonValue.Create(s.Text),
        _ => null,
    };
}
