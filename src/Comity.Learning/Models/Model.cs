using System.Collections.Concurrent;
using Comity.Learning.Tagging;
using Comity.Tensors;
using Comity.Tensors.Differentiation;
using Comity.Tensors.Kernels;
using Comity.Tensors.Parameters;
using Comity.Tensors.Randomness;

namespace Comity.Learning.Models;

/// <summary>A kind of model for a given input and task. It holds no parameters: these come as a flat vector of its <see cref="Layout"/>.</summary>
/// <remarks>Safe for several threads.</remarks>
public abstract unsafe class Model
{
    private readonly ConcurrentBag<Tape> _tapes = [];

    private protected Model(ModelShape shape, ParameterLayout layout)
    {
        (Input, Inputs, Task, Classes, Kernels, Layout) = (shape.Input, shape.Input.Length, shape.Task, shape.Classes, shape.Kernels ?? KernelSet.Best, layout);
    }

    /// <summary>Names and shapes of the parameters.</summary>
    public ParameterLayout Layout { get; }

    /// <summary>What a row holds.</summary>
    public InputShape Input { get; }

    /// <summary>Floats in a row.</summary>
    public int Inputs { get; }

    /// <summary>What it predicts.</summary>
    public TaskKind Task { get; }

    /// <summary>Number of classes; 0 for regression.</summary>
    public int Classes { get; }

    /// <summary>Values that <see cref="Predict(ReadOnlySpan{float}, Dataset, Span{float})"/> gives for a row: one probability a class, or the value; of a text the cost of its tokens in nats, of a tagged one <see cref="TaggingOutputs"/>.</summary>
    public int Outputs => Task == TaskKind.Tagging ? TaggingOutputs.Count : Math.Max(1, Classes);

    /// <summary>What computes.</summary>
    public KernelSet Kernels { get; }

    /// <summary>Values that <see cref="Forward"/> gives for a row: a single score for two classes where the model is logistic.</summary>
    internal abstract int Scores { get; }

    /// <summary>Rows that a prediction passes through at once: fewer where each needs much memory.</summary>
    internal virtual int RowsAtOnce => 128;

    /// <summary>Writes the parameters that training starts from, shape [P].</summary>
    public abstract void Initialise(Span<float> parameters, SeededRandom random);

    /// <summary>Probabilities by class (of two, the positive one second), or values.</summary>
    /// <param name="parameters">Shape [P].</param>
    /// <param name="features">Shape [rows, <see cref="Inputs"/>].</param>
    /// <param name="rows">Number of rows; 0 is allowed.</param>
    /// <param name="outputs">Shape [rows, <see cref="Outputs"/>]; overwritten.</param>
    /// <exception cref="ArgumentException">A length does not fit.</exception>
    public void Predict(ReadOnlySpan<float> parameters, ReadOnlySpan<float> features, int rows, Span<float> outputs)
    {
        if (features.Length != (long)rows * Inputs) throw new ArgumentException($"{features.Length} features do not fit {rows} rows of {Inputs}.", nameof(features));
        fixed (float* x = features) Predict(parameters, null, x, rows, outputs);
    }

    /// <summary>Probabilities by class (of two, the positive one second), or values.</summary>
    /// <param name="parameters">Shape [P].</param>
    /// <param name="rows">The rows; none is allowed.</param>
    /// <param name="outputs">Shape [rows, <see cref="Outputs"/>]; overwritten.</param>
    /// <exception cref="ArgumentException">A length does not fit.</exception>
    public void Predict(ReadOnlySpan<float> parameters, Dataset rows, Span<float> outputs)
    {
        ArgumentNullException.ThrowIfNull(rows);
        CheckWidth(rows);
        fixed (float* x = rows.Values.Span) Predict(parameters, rows, x, rows.Rows, outputs);
    }

    /// <summary>Scores before the last function, shape [rows, <see cref="Scores"/>].</summary>
    internal void Score(ReadOnlySpan<float> parameters, Dataset rows, Span<float> scores)
    {
        CheckWidth(rows);
        fixed (float* x = rows.Values.Span) Score(parameters, rows, x, rows.Rows, scores);
    }

    private void Predict(ReadOnlySpan<float> parameters, Dataset? windows, float* features, int rows, Span<float> outputs)
    {
        if (outputs.Length != (long)rows * Outputs) throw new ArgumentException($"{outputs.Length} outputs do not fit {rows} rows of {Outputs}.", nameof(outputs));
        Score(parameters, windows, features, rows, Task.IsByToken() ? outputs : outputs[..(rows * Scores)]);
        Finish(rows, outputs);
    }

    /// <summary>Turns scores into what a prediction gives.</summary>
    /// <param name="rows">How many.</param>
    /// <param name="outputs">Shape [rows, <see cref="Outputs"/>]; at first the scores, one row after another.</param>
    internal void Finish(int rows, Span<float> outputs)
    {
        if (Task == TaskKind.Regression || Task.IsByToken()) return;
        fixed (float* p = outputs)
        {
            if (Scores == Outputs)
            {
                Kernels.Softmax(p, p, rows, Outputs);
                return;
            }
            Kernels.Apply(Function.Sigmoid, p, p, rows);
        }
        // From the last row to the first, so that no probability is overwritten before it was read.
        for (var i = rows - 1; i >= 0; i--) (outputs[2 * i], outputs[2 * i + 1]) = (1 - outputs[i], outputs[i]);
    }

    // In chunks, so that memory does not grow with the rows.
    private void Score(ReadOnlySpan<float> parameters, Dataset? windows, float* features, int rows, Span<float> scores)
    {
        if (parameters.Length != Layout.Length) throw new ArgumentException($"{parameters.Length} parameters do not fit a model with {Layout.Length}.", nameof(parameters));
        var tape = RentTape();
        var width = Task.IsByToken() ? Outputs : Scores;
        fixed (float* p = parameters)
        {
            for (var first = 0; first < rows; first += RowsAtOnce)
            {
                var count = Math.Min(RowsAtOnce, rows - first);
                tape.BeginInference(p, parameters.Length);
                var input = windows?.OnTape(tape, features, first, count) ?? tape.External(features + (nint)first * Inputs, new Shape(count, Inputs));
                Judge(tape, input, scores.Slice(first * width, count * width));
            }
        }
        ReturnTape(tape);
    }

    private void CheckWidth(Dataset rows)
    {
        if (rows.Width != Inputs) throw new ArgumentException($"Rows of {rows.Width} features do not fit a model with {Inputs} inputs.", nameof(rows));
    }

    /// <summary>What a prediction writes for rows on the tape: their scores, or, of texts, their cost.</summary>
    private protected virtual void Judge(Tape tape, Tensor rows, Span<float> target) => Forward(tape, rows).Values.CopyTo(target);

    /// <summary>The mean loss of texts, which are their own labels.</summary>
    /// <param name="tape">The tape.</param>
    /// <param name="rows">The texts.</param>
    /// <param name="smoothing">ε of the label smoothing.</param>
    /// <param name="byRow">Whether every row counts alike, rather than every token.</param>
    internal virtual Tensor LanguageLoss(Tape tape, Tensor rows, float smoothing, bool byRow = false) => throw new NotSupportedException("This model predicts no tokens.");

    /// <summary>Scores of rows on the tape, shape [rows, <see cref="Scores"/>].</summary>
    internal abstract Tensor Forward(Tape tape, Tensor rows);

    internal Tape RentTape() => _tapes.TryTake(out var tape) ? tape : new Tape(Layout, Kernels);

    internal void ReturnTape(Tape tape) => _tapes.Add(tape);
}

/// <summary>What a model is made for.</summary>
/// <param name="Input">What a row holds.</param>
/// <param name="Task">What it predicts.</param>
/// <param name="Classes">Number of classes; 0 for regression.</param>
/// <param name="Kernels">What computes; null: the best of this processor.</param>
internal sealed record ModelShape(InputShape Input, TaskKind Task, int Classes, KernelSet? Kernels);
