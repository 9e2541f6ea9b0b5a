using System.Text.Json;
using System.Text.Json.Serialization;
using Comity.Privacy.Mechanisms;

namespace Comity.Federation.Rounds;

/// <summary>What travels beside an update's numbers.</summary>
public sealed record UpdateHeader
{
    internal static JsonSerializerOptions Json { get; } = new(JsonSerializerDefaults.Web) { NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals };

    /// <summary>The site it comes from.</summary>
    public required string Site { get; init; }

    /// <summary>Round, from 1.</summary>
    public required int Round { get; init; }

    /// <summary>Floats in the body: P, or 2 P with SCAFFOLD's control variate behind the model's difference, or those that an <see cref="Encoding"/> packs it into.</summary>
    public required int Length { get; init; }

    /// <summary>How the body is written, as the study file names it; null: as float32.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Encoding { get; init; }

    /// <summary>SHA-256 (hex) of the body's little-endian bytes, made as <see cref="DigestOf"/> says.</summary>
    public required string Sha256 { get; init; }

    /// <summary>What the digest is of: null: all bytes; <see cref="Spool.ChunkedDigest.Name"/>: the digests of its chunks, where the offer asked for that.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? DigestOf { get; init; }

    /// <summary>The digests of the body's chunks, where they were made with the digest: 32 bytes each. They do not travel with the header.</summary>
    [JsonIgnore]
    public ReadOnlyMemory<byte> ChunkDigests { get; init; }

    /// <summary>Training rows.</summary>
    public required int Rows { get; init; }

    /// <summary>Optimiser steps taken.</summary>
    public required int Steps { get; init; }

    /// <summary>Σ of the learning rate over the steps.</summary>
    public required double LearningRateSum { get; init; }

    /// <summary>FedNova's ‖aᵢ‖₁.</summary>
    public required double NormalizedSteps { get; init; }

    /// <summary>Mean training loss of the last local epoch; NaN under privacy, where it would be a release of its own.</summary>
    public required double Loss { get; init; }

    /// <summary>Validation loss after the last local epoch; NaN: not computed.</summary>
    public double ValidationLoss { get; init; } = double.NaN;

    /// <summary>SHA-256 (hex) of the masked round's plan, where the body is a masked vector; null: it is in the clear. Beside a mask nothing is told of the site.</summary>
    public string? MaskedUnder { get; init; }

    /// <summary>Under site-level privacy: whether the update was not longer than the clip, so that it left as it was; null: nothing was clipped.</summary>
    public bool? Unclipped { get; init; }

    /// <summary>The private mechanism that the update comes from; null: none.</summary>
    public PrivateGradientDescent? Released { get; init; }
}
