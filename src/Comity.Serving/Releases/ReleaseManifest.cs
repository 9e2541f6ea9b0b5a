using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Comity.Serving.Releases;

/// <summary>What a release is, who made it from what, and the digest of each of its parts: the part that is signed.</summary>
public sealed partial record ReleaseManifest
{
    /// <summary>Newest format that this version reads and the one that it writes.</summary>
    public const int CurrentFormat = 1;

    private static readonly JsonSerializerOptions Options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        WriteIndented = true,
        NewLine = "\n",
        IgnoreReadOnlyProperties = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        AllowDuplicateProperties = false,
    };

    /// <summary>Version of the format.</summary>
    public int FormatVersion { get; init; } = CurrentFormat;

    /// <summary>Name of the model as it is served, such as <c>heart</c>.</summary>
    public required string Name { get; init; }

    /// <summary>Version after Semantic Versioning 2.0.0, such as <c>1.0.0</c>. Never used twice.</summary>
    public required string Version { get; init; }

    /// <summary>When it was made.</summary>
    public required DateTimeOffset Created { get; init; }

    /// <summary>What it is for and what it is not for, in its maker's words.</summary>
    public string? Purpose { get; init; }

    /// <summary>Licence of the weights, as an SPDX expression; null: none was declared.</summary>
    public string? Licence { get; init; }

    /// <summary>The study that made it.</summary>
    public required ReleaseOrigin Origin { get; init; }

    /// <summary><c>binary</c>, <c>multiclass</c> or <c>regression</c>.</summary>
    public required string Task { get; init; }

    /// <summary>Classes in the order of the model's outputs.</summary>
    public required IReadOnlyList<string> Classes { get; init; }

    /// <summary>Metric by which it is judged first.</summary>
    public required string PrimaryMetric { get; init; }

    /// <summary>How it did on held-out records, market by market.</summary>
    public required IReadOnlyList<ReleaseMarket> Markets { get; init; }

    /// <summary>What privacy its training spent; empty: nothing was protected.</summary>
    public IReadOnlyList<ReleaseCharge> Privacy { get; init; } = [];

    /// <summary>What the study declared of its records to the laws of their markets; null: nothing is known, and the worst is assumed.</summary>
    public ReleasePolicy? Policy { get; init; }

    /// <summary>The other parts of the file, in its order.</summary>
    public IReadOnlyList<ReleasePart> Parts { get; init; } = [];

    /// <summary><c>heart@1.0.0</c>.</summary>
    public string Id => $"{Name}@{Version}";

    /// <summary><c>heart-1.0.0.comity</c>.</summary>
    public string FileName => $"{Name}-{Version}.comity";

    /// <summary>Whether a text can be a model's name: small letters, digits and hyphens, at most 63.</summary>
    public static bool IsName(string text) => NamePattern().IsMatch(text);

    /// <summary>Whether a text is a version after Semantic Versioning 2.0.0, without build metadata.</summary>
    public static bool IsVersion(string text) => text.Length <= 64 && VersionPattern().IsMatch(text);

    /// <summary>The bytes that are signed.</summary>
    public byte[] ToBytes() => JsonSerializer.SerializeToUtf8Bytes(this, Options);

    /// <summary>Reads a manifest; null: it is not one.</summary>
    internal static ReleaseManifest? Read(ReadOnlySpan<byte> bytes)
    {
        try
        {
            return JsonSerializer.Deserialize<ReleaseManifest>(bytes, Options) is { } read && IsName(read.Name) && IsVersion(read.Version) ? read : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>The format of a manifest, looked at before anything else; 0: none is told.</summary>
    internal static int FormatOf(ReadOnlyMemory<byte> bytes)
    {
        try
        {
            using var document = JsonDocument.Parse(bytes);
            return document.RootElement.ValueKind == JsonValueKind.Object && document.RootElement.TryGetProperty("formatVersion", out var version) && version.TryGetInt32(out var found) ? found : 0;
        }
        catch (JsonException)
        {
            return 0;
        }
    }

    [GeneratedRegex(@"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\z")]
    private static partial Regex NamePattern();

    [GeneratedRegex(@"^(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?\z")]
    private static partial Regex VersionPattern();
}

/// <summary>Where a release comes from.</summary>
/// <param name="Study">Name of the study.</param>
/// <param name="StudySha256">SHA-256 (hex) of the study file.</param>
/// <param name="Seed">Seed of the study.</param>
/// <param name="Model">The model's id in the study.</param>
/// <param name="WeightsSha256">SHA-256 (hex) of the parameter vector's little-endian bytes.</param>
/// <param name="Parameters">P.</param>
/// <param name="Rounds">Rounds; 0 outside a federation.</param>
/// <param name="Comity">Version of Comity that trained it.</param>
/// <param name="Environment">Architecture, vector width and runtime that its bits depend on.</param>
/// <param name="Contributors">Whose records it was trained on.</param>
public sealed record ReleaseOrigin(
    string Study, string StudySha256, ulong Seed, string Model, string WeightsSha256, int Parameters, int Rounds, string Comity, string Environment,
    IReadOnlyList<ReleaseContributor> Contributors);

/// <summary>A site whose records a model was trained on.</summary>
/// <param name="Site">The site.</param>
/// <param name="Market">Its market.</param>
/// <param name="TrainingRows">Records trained on.</param>
public sealed record ReleaseContributor(string Site, string Market, int TrainingRows);

/// <summary>A market in which a model was judged.</summary>
/// <param name="Id">The market.</param>
/// <param name="Jurisdiction">Its jurisdiction.</param>
/// <param name="Name">Its name for people; null: none was declared.</param>
/// <param name="TestRows">Held-out records; 0: not judged there.</param>
/// <param name="Metrics">How the model did on them, by metric.</param>
public sealed record ReleaseMarket(string Id, string Jurisdiction, string? Name, int TestRows, IReadOnlyDictionary<string, ReleaseMetric> Metrics);

/// <summary>A number with its interval.</summary>
/// <param name="Value">The estimate.</param>
/// <param name="Low">Lower end; null: none.</param>
/// <param name="High">Upper end; null: none.</param>
public sealed record ReleaseMetric(double Value, double? Low, double? High);

/// <summary>A charge of the privacy ledger.</summary>
/// <param name="Site">The site.</param>
/// <param name="Mechanism">What was released.</param>
/// <param name="Epsilon">ε.</param>
/// <param name="Delta">δ.</param>
/// <param name="Relation">Which data sets count as neighbours.</param>
public sealed record ReleaseCharge(string Site, string Mechanism, double Epsilon, double Delta, string Relation);

/// <summary>A part of the file.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Bytes">Its length.</param>
/// <param name="Sha256">SHA-256 (hex) of its bytes.</param>
public sealed record ReleasePart(string Name, long Bytes, string Sha256);
