using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Comity.Data.Preprocess;

/// <summary>The written form: camelCase keys, kebab-case choices, doubles in their shortest exact form.</summary>
internal static class PreprocessingJson
{
    private static readonly JsonSerializerOptions Options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        WriteIndented = true,
        NewLine = "\n",
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        IgnoreReadOnlyProperties = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.KebabCaseLower) },
    };

    public static string Write(Preprocessing preprocessing) => JsonSerializer.Serialize(preprocessing, Options) + "\n";

    public static Preprocessing Read(string json)
    {
        try
        {
            using (var parsed = JsonDocument.Parse(json))
            {
                if (!parsed.RootElement.TryGetProperty("formatVersion", out var version) || version.GetInt32() is not (>= 1 and <= Preprocessing.CurrentFormat))
                    throw new FormatException($"preprocessing.json has format {version}; this version reads up to {Preprocessing.CurrentFormat}. Update Comity, or train again.");
            }
            return JsonSerializer.Deserialize<Preprocessing>(json, Options) ?? throw new FormatException("preprocessing.json is empty.");
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException)
        {
            throw new FormatException($"preprocessing.json is damaged: {e.Message} Copy it again from the run that made it.", e);
        }
    }
}
