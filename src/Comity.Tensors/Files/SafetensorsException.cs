namespace Comity.Tensors.Files;

/// <summary>A safetensors file that cannot be trusted or does not hold what was asked for.</summary>
/// <param name="code">Stable kebab-case name of what is wrong, such as <c>overlap</c>.</param>
/// <param name="file">The file.</param>
/// <param name="detail">Where and what, naming the tensor.</param>
public sealed class SafetensorsException(string code, string file, string detail) : IOException($"{file}: {detail} [{code}]")
{
    /// <summary>Stable name of what is wrong.</summary>
    public string Code { get; } = code;

    /// <summary>The file.</summary>
    public string File { get; } = file;

    /// <summary>Where and what.</summary>
    public string Detail { get; } = detail;
}
