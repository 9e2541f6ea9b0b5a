using Comity.Tensors.Kernels;

namespace Comity.Learning.Models;

/// <summary>Makes models from their sections.</summary>
public static class ModelFactory
{
    /// <summary>The model of a section for a given input and task.</summary>
    /// <param name="section">The section, checked.</param>
    /// <param name="input">What a row holds: a number of features, an image, a series or tokens.</param>
    /// <param name="task">What the contract's label asks for.</param>
    /// <param name="classes">Number of classes: 2 for a binary task, 0 or 1 for regression.</param>
    /// <param name="kernels">What computes; null: the best of this processor.</param>
    /// <exception cref="ArgumentException">The kind cannot do the task, or the classes do not fit it.</exception>
    public static Model Create(ModelSection section, InputShape input, TaskKind task, int classes, KernelSet? kernels = null)
    {
        ArgumentNullException.ThrowIfNull(section);
        ArgumentNullException.ThrowIfNull(input);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(input.Length, nameof(input));
        var fits = task switch
        {
            TaskKind.Binary => classes == 2,
            TaskKind.Multiclass => classes >= 2,
            _ => classes <= 1,
        };
        if (!fits) throw new ArgumentException($"A task of kind {task} cannot have {classes} classes.", nameof(classes));
        var shape = new ModelShape(input, task, task == TaskKind.Regression || task.IsByToken() ? 0 : classes, kernels);
        var scores = task == TaskKind.Multiclass ? classes : 1;
        return (section, task) switch
        {
            (LinearSection, TaskKind.Regression) => DenseNetwork.Create(shape, 1, []),
            (LogisticSection, TaskKind.Binary) => DenseNetwork.Create(shape, 1, []),
            (SoftmaxSection, TaskKind.Binary or TaskKind.Multiclass) => DenseNetwork.Create(shape, classes, []),
            (RecurrentSection recurrent, _) => RecurrentNetwork.Create(shape, recurrent),
            (TransformerSection transformer, _) => TransformerNetwork.Create(shape, transformer),
            (MlpSection mlp, TaskKind.Binary or TaskKind.Multiclass or TaskKind.Regression) => DenseNetwork.Create(shape, scores, mlp.Hidden, mlp.Activation, mlp.Dropout, mlp.Norm),
            (MultimodalSection several, TaskKind.Binary or TaskKind.Multiclass or TaskKind.Regression) => MultimodalNetwork.Create(shape, several, scores),
            (CnnSection cnn, TaskKind.Binary or TaskKind.Multiclass or TaskKind.Regression) => CnnNetwork.Create(shape, cnn, scores),
            _ => throw new ArgumentException($"A model of kind {section.Kind} cannot do a task of kind {task}; check the sections first.", nameof(section)),
        };
    }
}
