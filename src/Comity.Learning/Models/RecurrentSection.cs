using Comity.Declarations;
using Comity.Tensors;

namespace Comity.Learning.Models;

/// <summary>Recurrent layers over a series or a text.</summary>
public abstract record RecurrentSection : NetworkSection, ICheckedDeclaration
{
    /// <summary>Widths of the layers' states, in order.</summary>
    [Doc("Widths of the recurrent layers' states, such as [64].")]
    [AtLeast(1)]
    public required IReadOnlyList<int> Hidden { get; init; }

    /// <summary>Whether each layer also reads from the end.</summary>
    [Doc("Whether a second layer beside each reads from the end to the beginning.")]
    public bool Bidirectional { get; init; }

    /// <summary>Width of a token's vector, for texts.</summary>
    [Doc("Width of a token's vector, for texts.")]
    [Within(1, 65_536)]
    public int Embedding { get; init; } = 64;

    /// <summary>Share of the values between layers zeroed in training.</summary>
    [Doc("Share of the values between layers, and before the output, that are zeroed at random in training.")]
    [Within(0, 1, BelowHigh = true)]
    public double Dropout { get; init; }

    internal abstract RecurrentKind Cell { get; }

    /// <inheritdoc/>
    public override void CheckTask(TaskKind task, Place at, ProblemList problems)
    {
        if (task == TaskKind.NextToken && Bidirectional) problems.Add(Messages.Problem("sees-the-future", at, $"{Kind} (bidirectional)"));
        if (task == TaskKind.MaskedToken && !Bidirectional) problems.Add(Messages.Problem("sees-no-future", at, Kind));
    }

    /// <inheritdoc/>
    public override void CheckInput(InputShape input, Place at, ProblemList problems)
    {
        if (input is not (SeriesInput or TokenInput or TaggedInput)) problems.Add(Messages.Problem("model-needs-input", at, Kind, "series, tokens", InputNames.Of(input)));
    }

    void ICheckedDeclaration.Check(DeclaredNode.Map at, ProblemList problems)
    {
        var list = at["hidden"];
        for (var i = 0; i < Hidden.Count; i++)
        {
            var place = list is DeclaredNode.List items && i < items.Items.Count ? items.Items[i].Place : list?.Place ?? at.Place;
            if (Hidden[i] is < 1 or > 65_536) problems.Add(Messages.Problem("hidden-width", place, Hidden[i]));
        }
    }
}

/// <summary>Plain recurrent layers.</summary>
[Doc("Recurrent layers with tanh over a series or a text; short memory.")]
public sealed record RnnSection : RecurrentSection
{
    /// <inheritdoc/>
    public override string Kind => "rnn";

    internal override RecurrentKind Cell => RecurrentKind.Rnn;
}

/// <summary>Gated recurrent units.</summary>
[Doc("Gated recurrent units over a series or a text.")]
public sealed record GruSection : RecurrentSection
{
    /// <inheritdoc/>
    public override string Kind => "gru";

    internal override RecurrentKind Cell => RecurrentKind.Gru;
}

/// <summary>Long short-term memory.</summary>
[Doc("Long short-term memory over a series or a text.")]
public sealed record LstmSection : RecurrentSection
{
    /// <inheritdoc/>
    public override string Kind => "lstm";

    internal override RecurrentKind Cell => RecurrentKind.Lstm;
}
