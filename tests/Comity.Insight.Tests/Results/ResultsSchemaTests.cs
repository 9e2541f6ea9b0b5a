using System.Text.Json.Nodes;
using System.Xml.Linq;
using Comity.Federation.Results;
using Comity.Insight.Results;
using Comity.Testing;

namespace Comity.Insight.Tests.Results;

public sealed class ResultsSchemaTests
{
    /// <summary>Set COMITY_APPROVE=1 to write the schema anew after a change that was meant.</summary>
    [Fact]
    public void The_schema_shipped_is_the_one_that_the_types_demand()
    {
        var generated = ResultsSchema.Generate(Documentation());
        if (Environment.GetEnvironmentVariable("COMITY_APPROVE") == "1") File.WriteAllText(SourceOfSchema(), generated);

        Assert.True(generated == ResultsSchema.Text(), "results.schema.json is out of date: run this test with COMITY_APPROVE=1 and commit the file.");
    }

    [Fact]
    public void Every_property_is_described()
    {
        var undescribed = new List<string>();
        Walk(JsonNode.Parse(ResultsSchema.Text())!, "$", undescribed);
        Assert.Empty(undescribed);
    }

    private static void Walk(JsonNode node, string path, List<string> undescribed)
    {
        if (node is JsonArray list) foreach (var item in list) Walk(item!, path, undescribed);
        if (node is not JsonObject schema) return;
        if (schema["properties"] is JsonObject properties)
        {
            foreach (var (name, property) in properties)
                if (property is not JsonObject known || !known.ContainsKey("description")) undescribed.Add($"{path}.{name}");
        }
        foreach (var (name, child) in schema) if (child is not null) Walk(child, $"{path}.{name}", undescribed);
    }

    private static Func<Type, string, string?> Documentation()
    {
        var members = XDocument.Load(Path.ChangeExtension(typeof(StudyResults).Assembly.Location, ".xml"))
            .Descendants("member").ToDictionary(m => (string)m.Attribute("name")!);
        return (type, property) =>
        {
            var clr = type.GetProperties().FirstOrDefault(p => string.Equals(p.Name, property, StringComparison.OrdinalIgnoreCase));
            if (clr is null) return null;
            var text = members.TryGetValue($"P:{type.FullName}.{clr.Name}", out var own)
                ? own.Element("summary")
                : members.GetValueOrDefault($"T:{type.FullName}")?.Elements("param").FirstOrDefault(p => (string?)p.Attribute("name") == clr.Name);
            text ??= members.GetValueOrDefault($"T:{type.FullName}")?.Element("summary");
            return text is null ? null : string.Join(' ', Plain(text).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        };
    }

    private static string Plain(XElement text) => string.Concat(text.Nodes().Select(n => n switch
    {
        XText words => words.Value,
        XElement { Name.LocalName: "paramref" } named => (string)named.Attribute("name")!,
        XElement inner => inner.Value,
        _ => "",
    }));

    private static string SourceOfSchema() => Repository.At("src/Comity.Insight/Results/results.schema.json");
}
