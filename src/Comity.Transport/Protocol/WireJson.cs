using System.Text.Json;
using System.Text.Json.Serialization;

namespace Comity.Transport.Protocol;

/// <summary>How control messages look: camelCase, enums as camelCase text, NaN and infinities as text, doubles with every bit.</summary>
public static class WireJson
{
    /// <summary>Largest control message in bytes, of either side.</summary>
    public const int LargestMessageBytes = 16 << 20;

    /// <summary>Bodies up to this many bytes travel inside their message.</summary>
    public const int LargestInlineBytes = 64 << 10;

    /// <summary>The options.</summary>
    public static JsonSerializerOptions Options { get; } = Create();

    /// <summary>The text of a message's content.</summary>
    public static JsonElement ToElement<T>(T content) => JsonSerializer.SerializeToElement(content, Options);

    /// <summary>Reads a message's content.</summary>
    /// <exception cref="JsonException">It is not of that form.</exception>
    public static T Read<T>(JsonElement content) => content.Deserialize<T>(Options) ?? throw new JsonException($"A {typeof(T).Name} was expected; null is there.");

    private static JsonSerializerOptions Create()
    {
        var options = new JsonSerializerOptions(JsonSerializerDefaults.Web)
        {
            NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
            RespectNullableAnnotations = true,
            RespectRequiredConstructorParameters = true,
            MaxDepth = 32,
            Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase, allowIntegerValues: false) },
        };
        options.MakeReadOnly(populateMissingResolver: true);
        return options;
    }
}

