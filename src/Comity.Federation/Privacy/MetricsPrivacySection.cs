using Comity.Declarations;

namespace Comity.Federation.Privacy;

/// <summary>Differential privacy of the records that models are judged on: metrics come from noised counts.</summary>
[Doc("Noise on the counts behind held-out metrics, of the records that models are judged on. Left out: metrics are exact, and recorded as not covered. It takes differentialPrivacy with unit: record beside it.")]
public sealed record MetricsPrivacySection
{
    /// <summary>ε that all judging of the study together may cost each held-out record, besides what training costs.</summary>
    [Doc("ε that all judging of the study (every model, split and repeat) may cost each held-out record, besides what training costs."), Within(0, 1000, AboveLow = true)]
    public required double Epsilon { get; init; }
}
