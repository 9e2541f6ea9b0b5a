using Comity.Learning.Tagging;
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

    private readonly TagScheme? _tags;

    private protected SequenceNetwork(ModelShape shape, ParameterLayout layout) : base(shape, layout)
    {
        (Steps, Vocabulary) = shape.Input switch
        {
            SeriesInput series => (series.Steps, 0),
            // The last token of a row is only predicted, never read.
            TokenInput tokens => (shape.Task == TaskKind.NextToken ? tokens.Tokens - 1 : tokens.Tokens, tokens.Vocabulary),
            TaggedInput tagged => (tagged.Text.Tokens, tagged.Text.Vocabulary),
            _ => throw new ArgumentException($"A model over steps reads a series or tokens; {InputNames.Of(shape.Input)} arrived.", nameof(shape)),
        };
        if (shape.Task == TaskKind.Tagging != shape.Input is TaggedInput) throw new ArgumentException($"Tags are predicted of tagged tokens, and of nothing else; {InputNames.Of(shape.Input)} arrived.", nameof(shape));
        _tags = (shape.Input as TaggedInput)?.Tags is { } tags ? new TagScheme(tags) : null;
        if (Steps < 1) throw new ArgumentException("A text of one token has no next token.", nameof(shape));
        if (shape.Task.IsByToken() && Vocabulary == 0) throw new ArgumentException("Only texts have tokens to predict.", nameof(shape));
    }

    /// <summary>Steps that the model reads.</summary>
    public int Steps { get; }

    /// <summary>Different tokens; 0: rows are a series.</summary>
    public int Vocabulary { get; }

    /// <summary>Scores of each token: of the vocabulary's tokens, or of the tags.</summary>
    internal int TokenScores => _tags?.Count ?? Vocabulary;

    internal override int Scores => Task switch
    {
        TaskKind.Multiclass => Classes,
        TaskKind.NextToken or TaskKind.MaskedToken or TaskKind.Tagging => Steps * TokenScores,
        _ => 1,
    };

    internal override int RowsAtOnce => (int)Math.Clamp(PassMemory / Math.Max(1, Steps * (FloatsOfStep + (Task.IsByToken() ? 2L * TokenScores : 0))), 1, 128);

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

    /// <summary>Scores of all tokens, or of all tags, from states, [n, <see cref="TokenScores"/>].</summary>
    private protected abstract Tensor TokenHead(Tape tape, Tensor states);

    internal override Tensor Forward(Tape tape, Tensor rows)
    {
        var n = Check(rows);
        Span<int> lengths = n <= MostOnStack ? stackalloc int[n] : new int[n];
        if (!Task.IsByToken()) return Head(tape, Summary(tape, Shaped(tape, rows), LengthsOf(rows, lengths)));
        var input = Task == TaskKind.MaskedToken ? rows : Read(tape, rows);
        var scores = TokenHead(tape, States(tape, input, LengthsOf(input, lengths)));
        if (IsTimeMajor) scores = tape.SwapAxes(tape.Reshape(scores, new Shape(Steps, n, TokenScores)));
        return tape.Reshape(scores, new Shape(n, Steps * TokenScores));
    }

    internal override Tensor LanguageLoss(Tape tape, Tensor rows, float smoothing, bool byRow = false)
    {
        var predicted = Predicted(tape, rows, tape.Random, byRow);
        // Rows count alike where one alone may count for nothing.
        if (predicted.Count == 0) return tape.Constant([0], new Shape(1));
        var targets = new ReadOnlySpan<float>(predicted.Targets, predicted.Count);
        return tape.SoftmaxCrossEntropy(predicted.Scores, targets, byRow ? WeightsOf(tape, predicted, rows.Shape.Rows) : default, smoothing);
    }

    // The loss divides by the number of tokens; each row is to have the mean of its own, as if it were alone.
    private static ReadOnlySpan<float> WeightsOf(Tape tape, PredictedTokens predicted, int rows)
    {
        var count = predicted.Count;
        var weights = tape.Take(count);
        var tokens = (int*)tape.Take(rows);
        new Span<int>(tokens, rows).Clear();
        for (var i = 0; i < count; i++) tokens[predicted.Owners[i]]++;
        for (var i = 0; i < count; i++) weights[i] = (float)((double)count / rows / tokens[predicted.Owners[i]]);
        return new ReadOnlySpan<float>(weights, count);
    }

    // The cost of each row in nats. What the vocabulary does not hold would still have to be named among all characters.
    private protected override void Judge(Tape tape, Tensor rows, Span<float> target)
    {
        if (!Task.IsByToken())
        {
            base.Judge(tape, rows, target);
            return;
        }
        const double NameUnknown = 13.921; // ln 1 112 064, the characters of Unicode
        var predicted = Predicted(tape, rows, null);
        float* targets = predicted.Targets;
        var owners = predicted.Owners;
        var count = predicted.Count;
        float* logits = tape.Node(predicted.Scores.Index).Value, sums = tape.Take(count), shares = tape.Take((nint)count * TokenScores);
        Kernels.SoftmaxAndLogSum(logits, shares, sums, count, TokenScores);
        if (_tags is not null)
        {
            JudgeTags(predicted, rows.Shape.Rows, logits, sums, target);
            return;
        }
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

    // What a row's tags cost and how many are right, entity by entity; a token without a tag stands for one outside all entities.
    private void JudgeTags(PredictedTokens predicted, int rows, float* logits, float* sums, Span<float> target)
    {
        var tags = _tags!;
        var (given, said) = (new int[rows * Steps], new int[rows * Steps]);
        Array.Fill(given, TagScheme.None);
        Array.Fill(said, TagScheme.None);
        var (costs, right) = (new double[rows], new int[rows]);
        for (var i = 0; i < predicted.Count; i++)
        {
            int row = predicted.Owners[i], step = IsTimeMajor ? predicted.Places[i] / rows : predicted.Places[i] % Steps;
            var scores = new ReadOnlySpan<float>(logits + (nint)i * tags.Count, tags.Count);
            var (truth, best) = ((int)predicted.Targets[i], Best(scores));
            (given[row * Steps + step], said[row * Steps + step]) = (truth, best);
            costs[row] += sums[i] - (double)scores[truth];
            if (truth == best) right[row]++;
        }
        for (var b = 0; b < rows; b++)
        {
            var entities = tags.Compare(given.AsSpan(b * Steps, Steps), said.AsSpan(b * Steps, Steps));
            TaggingOutputs.Write(target.Slice(b * TaggingOutputs.Count, TaggingOutputs.Count), costs[b], right[b], entities);
        }
    }

    /// <summary>The first of the largest scores.</summary>
    internal static int Best(ReadOnlySpan<float> scores)
    {
        var best = 0;
        for (var k = 1; k < scores.Length; k++) if (scores[k] > scores[best]) best = k;
        return best;
    }

    // Scores of the positions that have something to predict (row by row, if so asked, and perhaps none), what is to be predicted there, and whose rows they are.
    private PredictedTokens Predicted(Tape tape, Tensor rows, SeededRandom? random, bool byRow = false)
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
            input = Read(tape, rows);
            count = TokenTargets.Next(source, n, Inputs, IsTimeMajor, byRow, targets, owners, places);
        }
        else if (Task == TaskKind.Tagging)
        {
            input = Read(tape, rows);
            count = TokenTargets.Tags(source + Steps, n, Inputs, Steps, IsTimeMajor, byRow, targets, owners, places);
        }
        else
        {
            input = tape.Blank(new Shape(n, Inputs), out var masked);
            rows.Values.CopyTo(masked);
            count = TokenTargets.Masked(tape.Node(input.Index).Value, n, Inputs, Vocabulary, IsTimeMajor, random, targets, owners, places);
        }
        if (count == 0 && byRow) return new PredictedTokens(input, targets, owners, places, 0);
        if (count == 0) throw new ArgumentException("Every row is padding, or without tags: there is no token to predict.", nameof(rows));
        var states = States(tape, input, LengthsOf(input, lengths));
        if (count < most || (byRow && IsTimeMajor)) states = tape.Gather(states, new ReadOnlySpan<int>(places, count));
        return new PredictedTokens(TokenHead(tape, states), targets, owners, places, count);
    }

    private int Check(Tensor rows)
    {
        if (rows.Shape.Columns != Inputs) throw new ArgumentException($"Rows of {rows.Shape.Columns} values arrived at the model's input; {Input} expects {Inputs}.", nameof(rows));
        return rows.Shape.Rows;
    }

    /// <summary>The tokens of a text, with tags or without; null: no text.</summary>
    private protected static TokenInput? TextOf(InputShape input) => (input as TaggedInput)?.Text ?? input as TokenInput;

    private Tensor Shaped(Tape tape, Tensor rows) => Input is SeriesInput series ? tape.Reshape(rows, new Shape(rows.Shape.Rows, series.Steps, series.Channels)) : rows;

    // The tokens that a model reads: all but the last, which is only predicted, or those before the tags.
    private Tensor Read(Tape tape, Tensor rows)
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

    private readonly struct PredictedTokens(Tensor scores, float* targets, int* owners, int* places, int count)
    {
        public readonly Tensor Scores = scores;
        public readonly float* Targets = targets;
        public readonly int* Owners = owners;
        public readonly int* Places = places;
        public readonly int Count = count;
    }
}
