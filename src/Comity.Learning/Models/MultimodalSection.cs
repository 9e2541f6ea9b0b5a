using Comity.Declarations;
using Comity.Tensors;

namespace Comity.Learning.Models;

/// <summary>How a multimodal model joins what its encoders found.</summary>
public enum Fusion
{
    /// <summary>Side by side (late fusion).</summary>
    Concat,

    /// <summary>Each encoder's vector attends to all of them (Vaswani et al. 2017, arXiv:1706.03762), and their mean goes on.</summary>
    CrossAttention,
}

/// <summary>Several encoders, each for a part of a record, and a head over what they find.</summary>
[Doc("Several encoders, each for a part of a record (an image, a recording, a text, all other features), and a head over what they find.")]
public sealed record MultimodalSection : ModelSection, ICheckedDeclaration
{
    /// <inheritdoc/>
    public override string Kind => "multimodal";

    /// <summary>The encoders.</summary>
    [Doc("An encoder for each part, such as - { input: photo, model: { kind: cnn, layers: [...] } } and - { input: features, model: { kind: mlp, hidden: [16] } }.")]
    public required IReadOnlyList<EncoderSection> Encoders { get; init; }

    /// <summary>Length of each encoder's vector.</summary>
    [Doc("Length of the vector that each encoder makes of its part.")]
    [Within(2, 65_536)]
    public int Width { get; init; } = 32;

    /// <summary>How vectors are joined.</summary>
    [Doc("concat: the vectors go on side by side (late fusion); cross-attention: each attends to all of them, and their mean goes on.")]
    public Fusion Fusion { get; init; }

    /// <summary>Heads of the attention.</summary>
    [Doc("Heads of the attention, for fusion: cross-attention; they must divide width.")]
    [Within(1, 1024)]
    public int Heads { get; init; } = 4;

    /// <summary>Widths of the layers between the joined vectors and the output.</summary>
    [Doc("Widths of the dense layers between the joined vectors and the output, such as [32].")]
    public IReadOnlyList<int> Hidden { get; init; } = [];

    /// <summary>What follows each vector and each hidden layer.</summary>
    [Doc("The activation after each encoder's vector and each hidden layer.")]
    public Activation Activation { get; init; } = Activation.Relu;

    /// <summary>Share of hidden values zeroed in training.</summary>
    [Doc("Share of the joined vector and of hidden values that is zeroed at random in training.")]
    [Within(0, 1, BelowHigh = true)]
    public double Dropout { get; init; }

    /// <inheritdoc/>
    public override void CheckTask(TaskKind task, Place at, ProblemList problems)
    {
        if (task.IsByToken()) problems.Add(Messages.Problem("model-needs-task", at, Kind, "a class or a number", TaskNames.Of(task), TextModels));
    }

    /// <inheritdoc/>
    public override void CheckInput(InputShape input, Place at, ProblemList problems)
    {
        if (input is not MultimodalInput several)
        {
            problems.Add(Messages.Problem("model-needs-input", at, Kind, "modalities", InputNames.Of(input)));
            return;
        }
        var names = several.Modalities.Select(m => m.Name).ToList();
        for (var i = 0; i < Encoders.Count; i++)
        {
            var place = at with { Path = $"{at.Path}.encoders[{i}]" };
            if (several.Modalities.FirstOrDefault(m => m.Name == Encoders[i].Input) is { } part) Encoders[i].Model.CheckInput(part.Input, place, problems);
            else problems.Add(Messages.Problem("encoder-unknown-input", place, Encoders[i].Input, string.Join(", ", names)));
        }
        foreach (var unread in names.Except(Encoders.Select(e => e.Input), StringComparer.Ordinal))
            problems.Add(Messages.Problem("modality-unread", at with { Path = $"{at.Path}.encoders" }, unread));
    }

    void ICheckedDeclaration.Check(DeclaredNode.Map at, ProblemList problems)
    {
        var place = at["encoders"]?.Place ?? at.Place;
        if (Encoders.Count < 2) problems.Add(Messages.Problem("encoders-too-few", place, Encoders.Count));
        foreach (var twice in Encoders.GroupBy(e => e.Input, StringComparer.Ordinal).Where(g => g.Count() > 1)) problems.Add(Messages.Problem("encoder-twice", place, twice.Key));
        foreach (var width in Hidden.Where(w => w is < 1 or > 65_536)) problems.Add(Messages.Problem("hidden-width", at["hidden"]?.Place ?? at.Place, width));
        if (Activation == Activation.Identity) problems.Add(Messages.Problem("activation-identity", at["activation"]?.Place ?? at.Place));
        if (Fusion == Fusion.CrossAttention && Width % Heads != 0) problems.Add(Messages.Problem("heads-do-not-divide", at["heads"]?.Place ?? at["width"]?.Place ?? at.Place, Width, Heads));
    }
}

/// <summary>An encoder of a multimodal model.</summary>
public sealed record EncoderSection
{
    /// <summary>The part it reads.</summary>
    [Doc("The part that it reads: the column of an image, a recording or a text, or features for all other columns together.")]
    public required string Input { get; init; }

    /// <summary>What reads it.</summary>
    [Doc("The network that reads it; its output is the vector.")]
    public required NetworkSection Model { get; init; }
}
