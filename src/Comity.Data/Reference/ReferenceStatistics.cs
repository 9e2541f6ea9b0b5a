using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Comity.Data.Reference;

/// <summary>What the records that a model was trained on looked like: that which live records are compared with (<c>statistics.json</c>).</summary>
/// <remarks>Holds counts over at least <see cref="Threshold"/> records each, never a record.</remarks>
public sealed record ReferenceStatistics
{
    /// <summary>Version of the format.</summary>
    public const int CurrentFormat = 1;

    /// <summary>Most bins of a number.</summary>
    public const int Bins = 20;

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

    /// <summary>Version of the format that this was written in.</summary>
    public int FormatVersion { get; init; } = CurrentFormat;

    /// <summary>Smallest count that is told.</summary>
    public required int Threshold { get; init; }

    /// <summary>All training records, and those of each market.</summary>
    public required IReadOnlyList<ReferenceSample> Samples { get; init; }

    /// <summary>What a market's live records are compared with: its own training records where the model saw any, otherwise all.</summary>
    public ReferenceSample For(string market) => Samples.FirstOrDefault(s => s.Market == market) ?? Samples.First(s => s.Market is null);

    /// <summary>The text of <c>statistics.json</c>.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, Options) + "\n";

    /// <summary>Reads <c>statistics.json</c>.</summary>
    /// <exception cref="FormatException">The text is damaged, or written by a newer version.</exception>
    public static ReferenceStatistics FromJson(string json)
    {
        try
        {
            var read = JsonSerializer.Deserialize<ReferenceStatistics>(json, Options) ?? throw new FormatException("statistics.json is empty.");
            if (read.FormatVersion is not (>= 1 and <= CurrentFormat)) throw new FormatException($"statistics.json has format {read.FormatVersion}; this version reads up to {CurrentFormat}.");
            return read.Samples.Any(s => s.Market is null) ? read : throw new FormatException("statistics.json lacks the sample of all records.");
        }
        catch (JsonException e)
        {
            throw new FormatException($"statistics.json is damaged: {e.Message}", e);
        }
    }
}

/// <summary>Records of one origin, counted.</summary>
/// <param name="Market">The market; null: all records.</param>
/// <param name="Rows">How many records.</param>
/// <param name="Columns">Every feature of the contract that can be counted.</param>
/// <param name="Score">The model's scores on records that it was not trained on; null: not known.</param>
/// <param name="Labels">Records by class, in the order of the classes; null where fewer than the threshold; empty for a number.</param>
public sealed record ReferenceSample(string? Market, int Rows, IReadOnlyList<ReferenceColumn> Columns, ReferenceColumn? Score, IReadOnlyList<int?> Labels);
