using Comity.Declarations;

namespace Comity.Federation.Studies;

/// <summary>What crosses the border in fewer bytes. Float32, the default, carries every bit.</summary>
public sealed record EncodingSection
{
    /// <summary>How a site's update travels.</summary>
    [Doc("How a site's update travels: float32 carries every bit, bf16 and fp16 take half the bytes, int8 about a quarter, top-k the largest values only; what int8 and top-k lose enters the site's next update.")]
    public UpdateEncodingSection Updates { get; init; } = new Float32UpdatesSection();

    /// <summary>How the common model travels to the sites.</summary>
    [Doc("How the common model travels to the sites in each round: float32 carries every bit, bf16 and fp16 take half the bytes. The coordinator keeps every bit and goes on with them.")]
    public ModelEncoding Model { get; init; }
}

/// <summary>How a model travels to the sites.</summary>
public enum ModelEncoding
{
    /// <summary>IEEE 754 binary32: every bit arrives.</summary>
    Float32,

    /// <summary>bfloat16: the range of float32 with 8 bits of precision.</summary>
    Bf16,

    /// <summary>IEEE 754 binary16: 11 bits of precision up to 65504.</summary>
    Fp16,
}

/// <summary>How a site's update travels.</summary>
[Kind("float32", typeof(Float32UpdatesSection))]
[Kind("bf16", typeof(Bfloat16UpdatesSection))]
[Kind("fp16", typeof(Float16UpdatesSection))]
[Kind("int8", typeof(Int8UpdatesSection))]
[Kind("top-k", typeof(TopKUpdatesSection))]
public abstract record UpdateEncodingSection
{
    /// <summary>Name in the study file and in an update's header.</summary>
    public abstract string Kind { get; }
}

/// <summary>IEEE 754 binary32: every bit arrives.</summary>
public sealed record Float32UpdatesSection : UpdateEncodingSection
{
    /// <inheritdoc/>
    public override string Kind => "float32";
}

/// <summary>bfloat16: the range of float32 with 8 bits of precision.</summary>
public sealed record Bfloat16UpdatesSection : UpdateEncodingSection
{
    /// <inheritdoc/>
    public override string Kind => "bf16";
}

/// <summary>IEEE 754 binary16: 11 bits of precision from 6·10⁻⁵ to 65504; smaller values lose bits, larger ones are refused.</summary>
public sealed record Float16UpdatesSection : UpdateEncodingSection
{
    /// <inheritdoc/>
    public override string Kind => "fp16";
}

/// <summary>Whole numbers of 8 bits with a scale for every 256 values, and error feedback (Seide et al. 2014; Karimireddy et al. 2019, arXiv:1901.09847).</summary>
public sealed record Int8UpdatesSection : UpdateEncodingSection
{
    /// <inheritdoc/>
    public override string Kind => "int8";
}

/// <summary>The largest values with their places, and error feedback (Alistarh et al. 2018, arXiv:1809.10505).</summary>
public sealed record TopKUpdatesSection : UpdateEncodingSection
{
    /// <inheritdoc/>
    public override string Kind => "top-k";

    /// <summary>Share of the values that travel, of every 65,536.</summary>
    [Doc("Share of the values that travel, the largest by magnitude of every 65,536; each takes six bytes."), Within(0, 0.5, AboveLow = true)]
    public double Fraction { get; init; } = 0.01;
}
