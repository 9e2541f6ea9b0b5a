using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Comity.Privacy.Events;

namespace Comity.Federation.Privacy;

/// <summary>Privacy events as the one text that stands in a ledger: equal events have equal texts.</summary>
internal static class EventText
{
    /// <summary>A release taken apart into one kind of event and how often it happens.</summary>
    public static (PrivacyEvent Unit, long Count) Apart(PrivacyEvent released) => released is SelfComposedEvent self ? (self.Repeated, self.Count) : (released, 1);

    public static string Write(PrivacyEvent unit) => Node(unit).ToJsonString();

    public static PrivacyEvent Read(string text) => Event(JsonNode.Parse(text)!.AsObject());

    private static JsonObject Node(PrivacyEvent unit) => unit switch
    {
        GaussianEvent e => new() { ["kind"] = "gaussian", ["noise"] = e.NoiseMultiplier },
        LaplaceEvent e => new() { ["kind"] = "laplace", ["noise"] = e.NoiseMultiplier },
        PureEvent e => new() { ["kind"] = "pure", ["epsilon"] = e.Epsilon },
        DiscreteGaussianEvent e => new() { ["kind"] = "discrete-gaussian", ["sigma"] = e.Sigma, ["sensitivity"] = e.Sensitivity },
        PoissonSampledEvent e => new() { ["kind"] = "poisson", ["rate"] = e.SamplingProbability, ["of"] = Node(e.Sampled) },
        NonPrivateEvent => new() { ["kind"] = "not-private" },
        _ => throw new ArgumentException($"{unit.GetType().Name} has no place in a ledger.", nameof(unit)),
    };

    private static PrivacyEvent Event(JsonObject node) => (string?)node["kind"] switch
    {
        "gaussian" => new GaussianEvent((double)node["noise"]!),
        "laplace" => new LaplaceEvent((double)node["noise"]!),
        "pure" => new PureEvent((double)node["epsilon"]!),
        "discrete-gaussian" => new DiscreteGaussianEvent((double)node["sigma"]!, (int)node["sensitivity"]!),
        "poisson" => new PoissonSampledEvent((double)node["rate"]!, Event(node["of"]!.AsObject())),
        "not-private" => new NonPrivateEvent(),
        var other => throw new JsonException(string.Create(CultureInfo.InvariantCulture, $"A ledger of this version knows no event of the kind '{other}'.")),
    };
}
