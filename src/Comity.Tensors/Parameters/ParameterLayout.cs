using System.Security.Cryptography;
using System.Text;

namespace Comity.Tensors.Parameters;

/// <summary>One named tensor within a flat parameter vector.</summary>
/// <param name="Name">Dotted name, such as <c>hidden.0.weight</c>.</param>
/// <param name="Shape">Row-major shape.</param>
/// <param name="Offset">Index of its first element in the vector.</param>
/// <param name="Role">What the values are; strategies treat normalisation and statistics apart.</param>
public sealed record ParameterEntry(string Name, IReadOnlyList<int> Shape, int Offset, ParameterRole Role = ParameterRole.Weight)
{
    /// <summary>Number of elements.</summary>
    public int Length { get; } = Shape.Aggregate(1, (product, size) => checked(product * size));
}

/// <summary>What a parameter is for.</summary>
public enum ParameterRole
{
    /// <summary>Trained by gradients.</summary>
    Weight,

    /// <summary>A bias: trained, usually not decayed.</summary>
    Bias,

    /// <summary>Scale or shift of a batch normalisation: trained; stays at the site under FedBN.</summary>
    BatchNorm,

    /// <summary>Running mean or variance of a batch normalisation: observed, not trained; stays at the site under FedBN.</summary>
    BatchNormStatistic,

    /// <summary>Scale or shift of a layer or RMS normalisation.</summary>
    LayerNorm,
}

/// <summary>The names, shapes and offsets of a model's one flat parameter vector [P].</summary>
public sealed class ParameterLayout
{
    /// <param name="entries">Tensors in order; offsets must be contiguous from 0.</param>
    /// <exception cref="ArgumentException">A gap, an overlap or a name used twice.</exception>
    public ParameterLayout(IReadOnlyList<ParameterEntry> entries)
    {
        ArgumentNullException.ThrowIfNull(entries);
        var names = new HashSet<string>(StringComparer.Ordinal);
        var next = 0;
        foreach (var entry in entries)
        {
            if (entry.Offset != next) throw new ArgumentException($"'{entry.Name}' starts at {entry.Offset}; {next} was expected.", nameof(entries));
            if (!names.Add(entry.Name)) throw new ArgumentException($"Two tensors are named '{entry.Name}'.", nameof(entries));
            next = checked(next + entry.Length);
        }
        (Entries, Length) = (entries, next);
        Digest = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(
            string.Join('\n', entries.Select(e => $"{e.Name} [{string.Join(',', e.Shape)}] {e.Role}")))));
    }

    /// <summary>Tensors in order of their offsets.</summary>
    public IReadOnlyList<ParameterEntry> Entries { get; }

    /// <summary>Length P of the vector.</summary>
    public int Length { get; }

    /// <summary>SHA-256 (hex) of names, shapes and roles: equal digests mean interchangeable vectors.</summary>
    public string Digest { get; }

    /// <summary>The slice of <paramref name="parameters"/> that a tensor occupies.</summary>
    public Span<float> Slice(Span<float> parameters, ParameterEntry entry) => parameters.Slice(entry.Offset, entry.Length);
}
