using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Comity.Federation.Sites;

namespace Comity.Insight.Results;

/// <summary>How a result looks in JSON: camelCase, a missing number as null, a point of a curve on one line.</summary>
internal static class ResultsJson
{
    /// <summary>The same shape without the converters that a schema can't look into. First: the other is made from it.</summary>
    public static JsonSerializerOptions SchemaOptions { get; } = Create(compactPoints: false);

    /// <summary>What is written and read.</summary>
    public static JsonSerializerOptions Options { get; } = Create(compactPoints: true);

    private static JsonSerializerOptions Create(bool compactPoints)
    {
        var options = new JsonSerializerOptions
        {
            PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
            WriteIndented = true,
            IndentSize = 1,
            NewLine = "\n",
            RespectNullableAnnotations = true,
            RespectRequiredConstructorParameters = true,
            // A results file is data, never pasted into a page unescaped: names in any script stay readable.
            Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
            TypeInfoResolver = new DefaultJsonTypeInfoResolver { Modifiers = { LeaveOutPredictions } },
        };
        options.Converters.Add(new JsonStringEnumConverter(JsonNamingPolicy.CamelCase, allowIntegerValues: false));
        options.Converters.Add(new MissingAsNull());
        if (!compactPoints) return options;
        options.Converters.Add(new SortedByName<double>());
        options.Converters.Add(new SortedByName<Estimate>());
        options.Converters.Add(new OnOneLine<Estimate>(SchemaOptions));
        options.Converters.Add(new OnOneLine<CurvePoint>(SchemaOptions));
        options.MakeReadOnly();
        return options;
    }

    // Row by row they stand in predictions.csv, where millions of them can be streamed.
    private static void LeaveOutPredictions(JsonTypeInfo type)
    {
        if (type.Type != typeof(EvaluationResult)) return;
        foreach (var property in type.Properties.Where(p => p.PropertyType == typeof(IReadOnlyList<Prediction>)).ToList())
            type.Properties.Remove(property);
    }

    /// <summary>NaN is null; an infinite loss keeps its sign as text, since JSON has no number for it.</summary>
    private sealed class MissingAsNull : JsonConverter<double>
    {
        public override bool HandleNull => true;

        public override double Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => reader.TokenType switch
        {
            JsonTokenType.Null => double.NaN,
            JsonTokenType.String when reader.ValueTextEquals("Infinity") => double.PositiveInfinity,
            JsonTokenType.String when reader.ValueTextEquals("-Infinity") => double.NegativeInfinity,
            JsonTokenType.Number => reader.GetDouble(),
            _ => throw new JsonException("A number, null, \"Infinity\" or \"-Infinity\" was expected."),
        };

        public override void Write(Utf8JsonWriter writer, double value, JsonSerializerOptions options)
        {
            if (double.IsNaN(value)) writer.WriteNullValue();
            else if (double.IsFinite(value)) writer.WriteNumberValue(value);
            else writer.WriteStringValue(value.ToString(CultureInfo.InvariantCulture));
        }
    }

    /// <summary>Names in ordinal order, so that equal results are equal bytes whatever order they were computed in.</summary>
    private sealed class SortedByName<T> : JsonConverter<IReadOnlyDictionary<string, T>>
    {
        public override IReadOnlyDictionary<string, T> Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            JsonSerializer.Deserialize<Dictionary<string, T>>(ref reader, options)
            ?? throw new JsonException("An object was expected.");

        public override void Write(Utf8JsonWriter writer, IReadOnlyDictionary<string, T> value, JsonSerializerOptions options)
        {
            writer.WriteStartObject();
            foreach (var (name, item) in value.OrderBy(p => p.Key, StringComparer.Ordinal))
            {
                writer.WritePropertyName(name);
                JsonSerializer.Serialize(writer, item, options);
            }
            writer.WriteEndObject();
        }
    }

    /// <summary>A curve of 200 points is 200 lines, not 1,000.</summary>
    private sealed class OnOneLine<T> : JsonConverter<T>
    {
        private readonly JsonSerializerOptions _inside;

        public OnOneLine(JsonSerializerOptions inside) => _inside = new JsonSerializerOptions(inside) { WriteIndented = false };

        public override T? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            JsonSerializer.Deserialize<T>(ref reader, _inside);

        public override void Write(Utf8JsonWriter writer, T value, JsonSerializerOptions options) =>
            writer.WriteRawValue(JsonSerializer.SerializeToUtf8Bytes(value, _inside), skipInputValidation: true);
    }
}
