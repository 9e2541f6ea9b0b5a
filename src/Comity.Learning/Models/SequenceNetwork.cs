using Comity.Tensors;
using Comity.Tensors.Differentiation;
using Comity.Tensors.Kernels;
using Comity.Tensors.Parameters;
using Comity.Tensors.Randomness;

namespace Comity.Learning.Models;

/// <summary>A model that reads rows step by step: a state for each step, and from these a class, a value, or tokens.</summary>
internal abstract unsafe class SequenceNetwork : Model
{
    private const int MostOnStack = 1024;

    // Memory of one pass in floats; more rows at once gain nothing on a processor.
    private const long PassMemory = 1 << 24;

    private protected SequenceNetwork(ModelShape shape, ParameterLayout layout) : base(shape, layout)
    {
        (Steps, Vocabulary) = shape.Input switch
        {
            SeriesInput series => (series.Steps, 0),
            // The last token of a row is only predicted, never read.
            TokenInput tokens => (shape.Task == TaskKind.NextToken ? tokens.Tokens - 1 : tokens.Tokens, tokens.Vocabulary),
            _ => throw new ArgumentException($"A model over steps reads a series or tokens; {InputNames.Of(shape.Input)} arrived.", nameof(shape)),
        };
        if (Steps < 1) throw new ArgumentException("A text of one token has no next token.", nameof(shape));
        if (shape.Task.IsLanguage() && Vocabulary == 0) throw new ArgumentException("Only texts have tokens to predict.", nameof(shape));
    }

    /// <summary>Steps that the model reads.</summary>
    public int Steps { get; }

    /// <summary>Different tokens; 0: rows are a series.</summary>
    public int Vocabulary { get; }

    internal override int Scores => Task switch
    {
        TaskKind.Multiclass => Classes,
        TaskKind.NextToken or TaskKind.MaskedToken => Steps * Vocabulary,
        _ => 1,
    };

    internal override int RowsAtOnce => (int)Math.Clamp(PassMemory / Math.Max(1, Steps * (FloatsOfStep + (Task.IsLanguage() ? 2L * Vocabulary : 0))), 1, 128);

    /// <summary>Floats that a pass holds for each step, roughly.</summary>
    private protected abstract long FloatsOfStep { get; }

    /// <summary>Whether states come as [steps, rows, n] rather than [rows, steps, n].</summary>
    private protected abstract bool IsTimeMajor { get; }

    /// <summary>The state of each step, as [steps·rows, n] in the model's order.</summary>
    /// <param name="tape">The tape.</param>
    /// <param name="input">Shape [rows, steps] of tokens, or [rows, steps, channels].</param>
    /// <param name="lengths">Steps of each row that are not padding; empty: all.</param>
    private protected abstract Tensor States(Tape tape, Tensor input, ReadOnlySpan<int> lengths);

    /// <summary>One state for each row, [rows, n].</summary>
    private protected abstract Tensor Summary(Tape tape, Tensor input, ReadOnlySpan<int> lengths);

    /// <summary>Scores of classes or a value from summaries, [rows, scores].</summary>
    private protected abstract Tensor Head(Tape tape, Tensor summary);

    /// <summary>Scores of all tokens from states, [n, vocabulary].</summary>
    private protected abstract Tensor TokenHead(Tape tape, Tensor states);

    internal override Tensor Forward(Tape tape, Tensor rows)
    {
        var n = Check(rows);
        Span<int> lengths = n <= MostOnStack ? stackalloc int[n] : new int[n];
        if (!Task.IsLanguage()) return Head(tape, Summary(tape, Shaped(tape, rows), LengthsOf(rows, lengths)));
        var input = Task == TaskKind.NextToken ? WithoutLast(tape, rows) : rows;
        var scores = TokenHead(tape, States(tape, input, LengthsOf(input, lengths)));
        if (IsTimeMajor) scores = tape.SwapAxes(tape.Reshape(scores, new Shape(Steps, n, Vocabulary)));
        return tape.Reshape(scores, new Shape(n, Steps * Vocabulary));
    }

    internal override Tensor LanguageLoss(Tape tape, Tensor rows, float smoothing)
    {
        var predicted = Predicted(tape, rows, tape.Random);
        return tape.SoftmaxCrossEntropy(predicted.Scores, new ReadOnlySpan<float>(predicted.Targets, predicted.Count), default, smoothing);
    }

    // The cost of each row in nats. What the vocabulary does not hold would still have to be named among all characters.
    private protected override void Judge(Tape tape, Tensor rows, Span<float> target)
    {
        if (!Task.IsLanguage())
        {
            base.Judge(tape, rows, target);
            return;
        }
        const double NameUnknown = 13.921; // ln 1 112 064, the characters of Unicode
        var predicted = Predicted(tape, rows, null);
        float* targets = predicted.Targets;
        var owners = predicted.Owners;
        var count = predicted.Count;
        float* logits = tape.Node(predicted.Scores.Index).Value, sums = tape.Take(count), shares = tape.Take((nint)count * Vocabulary);
        Kernels.SoftmaxAndLogSum(logits, shares, sums, count, Vocabulary);
        var (costs, hidden) = (new double[target.Length], new int[target.Length]);
        for (var i = 0; i < count; i++)
        {
            costs[owners[i]] += sums[i] - (double)logits[(nint)i * Vocabulary + (int)targets[i]] + (targets[i] == TokenInput.Unknown ? NameUnknown : 0);
            hidden[owners[i]]++;
        }
        for (var b = 0; b < target.Length; b++)
        {
            // Hidden tokens stand for all of the row's, so that both tasks are judged by the same sums.
            var scale = Task == TaskKind.MaskedToken && hidden[b] > 0 ? (double)LengthOf(tape.Node(rows.Index).Value + (nint)b * Inputs, Inputs) / hidden[b] : 1;
            target[b] = (float)(costs[b] * scale);
        }
    }

    // Scores of the positions that have something to predict, what is to be predicted there, and whose rows they are.
    private PredictedTokens Predicted(Tape tape, Tensor rows, SeededRandom? random)
    {
        var n = Check(rows);
        Span<int> lengths = n <= MostOnStack ? stackalloc int[n] : new int[n];
        var most = n * Steps;
        var source = tape.Node(rows.Index).Value;
        float* targets = tape.Take(most);
        int* owners = (int*)tape.Take(most), places = (int*)tape.Take(most);
        Tensor input;
        int count;
        if (Task == TaskKind.NextToken)
        {
            input = WithoutLast(tape, rows);
            count = TokenTargets.Next(source, n, Inputs, IsTimeMajor, targets, owners, places);
        }
        else
        {
            input = tape.Blank(new Shape(n, Inputs), out var masked);
            rows.Values.CopyTo(masked);
            count = TokenTargets.Masked(tape.Node(input.Index).Value, n, Inputs, Vocabulary, IsTimeMajor, random, targets, owners, places);
        }
        if (count == 0) throw new ArgumentException("Every row is padding: there is no token to predict.", nameof(rows));
        var states = States(tape, input, LengthsOf(input, lengths));
        if (count < most) states = tape.Gather(states, new ReadOnlySpan<int>(places, count));
        return new PredictedTokens(TokenHead(tape, states), targets, owners, count);
    }

    private int Check(Tensor rows)
    {
        if (rows.Shape.Columns != Inputs) throw new ArgumentException($"Rows of {rows.Shape.Columns} values arrived at the model's input; {Input} expects {Inputs}.", nameof(rows));
        return rows.Shape.Rows;
    }

    private Tensor Shaped(Tape tape, Tensor rows) => Input is SeriesInput series ? tape.Reshape(rows, new Shape(rows.Shape.Rows, series.Steps, series.Channels)) : rows;

    private Tensor WithoutLast(Tape tape, Tensor rows)
    {
        var input = tape.Blank(new Shape(rows.Shape.Rows, Steps), out var values);
        for (var b = 0; b < rows.Shape.Rows; b++) rows.Values.Slice(b * Inputs, Steps).CopyTo(values[(b * Steps)..]);
        return input;
    }

    // Empty when no row has padding, so that layers need not look.
    private ReadOnlySpan<int> LengthsOf(Tensor input, Span<int> lengths)
    {
        if (Vocabulary == 0) return default;
        var tokens = input.Tape.Node(input.Index).Value;
        int n = input.Shape.Rows, steps = input.Shape.Columns;
        var padded = false;
        for (nint b = 0; b < n; b++)
        {
            lengths[(int)b] = Math.Max(1, LengthOf(tokens + b * steps, steps));
            padded |= lengths[(int)b] < steps;
        }
        return padded ? lengths : default;
    }

    private static int LengthOf(float* tokens, int steps)
    {
        while (steps > 0 && tokens[steps - 1] == TokenInput.Padding) steps--;
        return steps;
    }

    private readonly struct PredictedTokens(Tensor scores, float* targets, int* owners, int count)
    {
        public readonly Tensor Scores = scores;
        public readonly float* Targets = targets;
        public readonly int* Owners = owners;
        public readonly int Count = count;
    }
}
