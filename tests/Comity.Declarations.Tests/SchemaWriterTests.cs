using System.Text.Json.Nodes;

namespace Comity.Declarations.Tests;

public sealed class SchemaWriterTests
{
    private static JsonObject Schema() => SchemaWriter.Write(typeof(Recipe), new Dictionary<string, Type> { ["elsewhere"] = typeof(WoodOven) });

    [Fact]
    public void The_schema_knows_what_the_reader_knows()
    {
        var properties = Schema()["properties"]!.AsObject();

        Assert.Equal(["name", "batch", "rate", "mode", "oven", "tags", "limits", "baked", "elsewhere"], properties.Select(p => p.Key));
        Assert.Equal("""{"type":"integer","description":"Loaves at a time.","minimum":1,"maximum":1000}""", properties["batch"]!.ToJsonString());
        Assert.Equal("""{"type":"number","exclusiveMinimum":0,"maximum":1}""", properties["rate"]!.ToJsonString());
        Assert.Equal("""{"enum":["fast","slow-rise"]}""", properties["mode"]!.ToJsonString());
        Assert.Equal("""["name"]""", Schema()["required"]!.ToJsonString());
        Assert.False(Schema()["additionalProperties"]!.GetValue<bool>());
    }

    [Fact]
    public void Kinds_become_alternatives_and_only_a_kind_with_defaults_may_stand_bare()
    {
        var forms = Schema()["properties"]!["oven"]!["anyOf"]!.AsArray();

        Assert.Equal(["gas", "wood"], forms.Take(2).Select(f => f!["properties"]!["kind"]!["enum"]![0]!.GetValue<string>()));
        Assert.Equal("""["gas"]""", forms[2]!["enum"]!.ToJsonString());
    }

    [Fact]
    public void An_unread_section_takes_the_schema_of_its_owner() =>
        Assert.Equal("""["wood"]""", Schema()["properties"]!["elsewhere"]!["required"]!.ToJsonString());
}
