using System.Text.Json;
using System.Text.Json.Serialization;
using Comity.Federation.Policies;
using Comity.Serving.Releases;

namespace Comity.Cli.Releases;

/// <summary>A study's policy section on its way through run and release to whoever lets the release into a market.</summary>
internal static class DeclaredPolicy
{
    /// <summary>Name of the file in a run's folder.</summary>
    public const string FileName = "policy.json";

    private static readonly JsonSerializerOptions Options = new() { PropertyNamingPolicy = JsonNamingPolicy.CamelCase, WriteIndented = true, Converters = { new JsonStringEnumConverter(JsonNamingPolicy.KebabCaseLower) } };

    /// <summary>The text of a run's <c>policy.json</c>.</summary>
    public static string Write(PolicySection section) => JsonSerializer.Serialize(Of(section), Options);

    /// <summary>What a run declared; null: nothing.</summary>
    public static ReleasePolicy? Read(string run)
    {
        var file = Path.Combine(run, FileName);
        return File.Exists(file) ? JsonSerializer.Deserialize<ReleasePolicy>(File.ReadAllText(file), Options) : null;
    }

    /// <summary>The section as laws are asked about it. What is not declared counts as the worst; a word that this version does not know is not declared.</summary>
    public static PolicySection Section(ReleasePolicy? policy) => policy is null ? new PolicySection() : new PolicySection
    {
        Sensitive = [.. policy.Sensitive.Select(Parse<SensitiveData>).OfType<SensitiveData>()],
        Anonymous = policy.Anonymous,
        Individuals = policy.Individuals,
        // A cover of flows that this version does not know is no cover of all flows.
        Covered = [.. policy.Covered.Where(c => c.Flows.All(f => Parse<FlowKind>(f) is not null))
            .Select(c => new CoveredFlow { From = c.From, To = c.To, Flows = [.. c.Flows.Select(Parse<FlowKind>).OfType<FlowKind>()], Conditions = c.Conditions, By = c.By })],
    };

    private static ReleasePolicy Of(PolicySection section) => new(
        [.. section.Sensitive.Select(Word)], section.Anonymous, section.Individuals, [.. section.Covered.Select(c => new ReleaseCover(c.From, c.To, [.. c.Flows.Select(Word)], c.Conditions, c.By))]);

    private static string Word<T>(T value) where T : struct, Enum => JsonNamingPolicy.KebabCaseLower.ConvertName(value.ToString());

    private static T? Parse<T>(string word) where T : struct, Enum => Enum.GetValues<T>().Where(v => Word(v) == word).Select(v => (T?)v).FirstOrDefault();
}
