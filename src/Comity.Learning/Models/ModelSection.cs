using Comity.Declarations;
using Comity.Tensors;

namespace Comity.Learning.Models;

/// <summary>The section <c>model</c> of a study.</summary>
[Doc("The model that every arm trains.")]
[Kind("linear", typeof(LinearSection))]
[Kind("logistic", typeof(LogisticSection))]
[Kind("softmax", typeof(SoftmaxSection))]
[Kind("mlp", typeof(MlpSection))]
[Kind("rnn", typeof(RnnSection))]
[Kind("gru", typeof(GruSection))]
[Kind("lstm", typeof(LstmSection))]
[Kind("transformer", typeof(TransformerSection))]
[Kind("cnn", typeof(CnnSection))]
[Kind("multimodal", typeof(MultimodalSection))]
public abstract record ModelSection
{
    /// <summary>What predicts tokens.</summary>
    private protected const string TextModels = "transformer, rnn, gru, lstm";

    /// <summary>The name of the kind in the file.</summary>
    public abstract string Kind { get; }

    /// <summary>Adds a problem when this kind cannot predict what the contract's label asks for.</summary>
    public virtual void CheckTask(TaskKind task, Place at, ProblemList problems)
    {
    }

    /// <summary>Adds a problem when this kind cannot read what a row holds.</summary>
    public virtual void CheckInput(InputShape input, Place at, ProblemList problems)
    {
        // The number of a token is no quantity.
        if (input is MultimodalInput several && several.Modalities.Any(m => m.Input is TokenInput))
            problems.Add(Messages.Problem("model-needs-input", at, Kind, "features, image", InputNames.Of(input)));
    }
}

/// <summary>A model of several layers: what may encode a part of a record, too.</summary>
[Doc("A network that reads one part of a record.")]
[Kind("mlp", typeof(MlpSection))]
[Kind("cnn", typeof(CnnSection))]
[Kind("rnn", typeof(RnnSection))]
[Kind("gru", typeof(GruSection))]
[Kind("lstm", typeof(LstmSection))]
[Kind("transformer", typeof(TransformerSection))]
public abstract record NetworkSection : ModelSection;

/// <summary>Linear regression.</summary>
[Doc("Linear regression: one weight a feature and an intercept.")]
public sealed record LinearSection : ModelSection
{
    /// <inheritdoc/>
    public override string Kind => "linear";

    /// <inheritdoc/>
    public override void CheckTask(TaskKind task, Place at, ProblemList problems)
    {
        if (task != TaskKind.Regression) problems.Add(Messages.Problem("model-needs-task", at, Kind, "regression", TaskNames.Of(task), task.IsByToken() ? TextModels : "logistic, softmax, mlp"));
    }
}

/// <summary>Logistic regression.</summary>
[Doc("Logistic regression for a label with two classes.")]
public sealed record LogisticSection : ModelSection
{
    /// <inheritdoc/>
    public override string Kind => "logistic";

    /// <inheritdoc/>
    public override void CheckTask(TaskKind task, Place at, ProblemList problems)
    {
        if (task != TaskKind.Binary) problems.Add(Messages.Problem("model-needs-task", at, Kind, "binary", TaskNames.Of(task), task switch { TaskKind.Multiclass => "softmax, mlp", TaskKind.Regression => "linear, mlp", _ => TextModels }));
    }
}

/// <summary>Softmax (multinomial logistic) regression.</summary>
[Doc("Softmax regression: one weight a feature and class.")]
public sealed record SoftmaxSection : ModelSection
{
    /// <inheritdoc/>
    public override string Kind => "softmax";

    /// <inheritdoc/>
    public override void CheckTask(TaskKind task, Place at, ProblemList problems)
    {
        if (task is not (TaskKind.Binary or TaskKind.Multiclass))
            problems.Add(Messages.Problem("model-needs-task", at, Kind, "classes", TaskNames.Of(task), task.IsByToken() ? TextModels : "linear, mlp"));
    }
}

/// <summary>A multi-layer perceptron.</summary>
[Doc("A multi-layer perceptron: dense layers with an activation between them.")]
public sealed record MlpSection : NetworkSection, ICheckedDeclaration
{
    /// <inheritdoc/>
    public override string Kind => "mlp";

    /// <summary>Widths of the hidden layers, in order.</summary>
    [Doc("Widths of the hidden layers, such as [128] or [64, 32].")]
    [AtLeast(1)]
    public required IReadOnlyList<int> Hidden { get; init; }

    /// <summary>What follows each hidden layer.</summary>
    [Doc("The activation after each hidden layer.")]
    public Activation Activation { get; init; } = Activation.Relu;

    /// <summary>Share of hidden values zeroed in training.</summary>
    [Doc("Share of hidden values that are zeroed at random in training.")]
    [Within(0, 1, BelowHigh = true)]
    public double Dropout { get; init; }

    /// <summary>Normalisation of each hidden layer, before its activation.</summary>
    [Doc("Normalisation of each hidden layer: none, batch or layer.")]
    public Normalization Norm { get; init; } = Normalization.None;

    /// <inheritdoc/>
    public override void CheckTask(TaskKind task, Place at, ProblemList problems)
    {
        if (task.IsByToken()) problems.Add(Messages.Problem("model-needs-task", at, Kind, "a class or a number", TaskNames.Of(task), TextModels));
    }

    void ICheckedDeclaration.Check(DeclaredNode.Map at, ProblemList problems)
    {
        var list = at["hidden"];
        for (var i = 0; i < Hidden.Count; i++)
        {
            var place = list is DeclaredNode.List items && i < items.Items.Count ? items.Items[i].Place : list?.Place ?? at.Place;
            if (Hidden[i] is < 1 or > 65_536) problems.Add(Messages.Problem("hidden-width", place, Hidden[i]));
        }
        if (Activation == Activation.Identity) problems.Add(Messages.Problem("activation-identity", at["activation"]?.Place ?? at.Place));
    }
}

/// <summary>How a hidden layer is normalised.</summary>
public enum Normalization
{
    /// <summary>Not at all.</summary>
    None,

    /// <summary>Over the rows of a batch, with running statistics for prediction (Ioffe and Szegedy 2015, arXiv:1502.03167).</summary>
    Batch,

    /// <summary>Over the values of a row (Ba et al. 2016, arXiv:1607.06450).</summary>
    Layer,
}
