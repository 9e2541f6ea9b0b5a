namespace Comity.Tensors.Differentiation;

/// <summary>Which part of an operation's value belongs to which example of a pass.</summary>
/// <remarks>
/// <code>
/// pieces   aaabbbccc   all as long: rows, and steps row by row
/// runs     aabbbbc     of their own lengths: the tokens of a text that are predicted
/// turns    abcabcabc   step by step: recurrent layers
/// </code>
/// </remarks>
internal readonly unsafe struct ExampleRows
{
    private readonly Order _order;
    private readonly int* _starts;

    private ExampleRows(Order order, int* starts = null)
    {
        _order = order;
        _starts = starts;
    }

    private enum Order
    {
        /// <summary>Examples meet, or nothing is known.</summary>
        None,
        Pieces,
        Runs,
        Turns,

        /// <summary>A sum of losses: beyond it no example is told from another, and none needs to be.</summary>
        Loss,
    }

    /// <summary>Whether examples are kept apart.</summary>
    public bool IsKnown => _order != Order.None;

    /// <summary>Whether it is a loss.</summary>
    public bool IsLoss => _order == Order.Loss;

    /// <summary>Whether each example owns one part, all of them equally long.</summary>
    public bool IsPieces => _order == Order.Pieces;

    /// <summary>The rows of an example among all rows: the first, how many, and how far one is from the next.</summary>
    public (nint First, int Count, int Step) Of(int rows, int examples, int example) => _order switch
    {
        Order.Runs => (_starts[example], _starts[example + 1] - _starts[example], 1),
        Order.Turns => (example, rows / examples, examples),
        _ => ((nint)example * (rows / examples), rows / examples, 1),
    };

    /// <summary>Most rows that one example owns.</summary>
    public int Most(int rows, int examples)
    {
        if (_order != Order.Runs) return rows / examples;
        var most = 0;
        for (var e = 0; e < examples; e++) most = Math.Max(most, _starts[e + 1] - _starts[e]);
        return most;
    }

    /// <summary>What belongs to whom after an operation, whose operands have been asked before; unknown where examples meet.</summary>
    public static ExampleRows After(Tape tape, ref Node node, int examples)
    {
        var a = node.A < 0 ? default : tape.Node(node.A).Examples;
        switch (node.Operation)
        {
            case Operation.Leaf:
                return node.Shape.Length % examples == 0 ? new(Order.Pieces) : default;
            case Operation.Reshape:
                return a._order == Order.Pieces || (a._order is Order.Runs or Order.Turns && tape.Node(node.A).Shape.Columns == node.Shape.Columns) ? a : default;
            case Operation.Function or Operation.Dropout:
                return a.IsLoss ? default : a;
            case Operation.Affine:
                return a;
            case Operation.Add:
                return a.Equals(tape.Node(node.B).Examples, examples) ? a : default;
            case Operation.Subtract or Operation.Multiply or Operation.Divide:
                return !a.IsLoss && a.Equals(tape.Node(node.B).Examples, examples) ? a : default;
            case Operation.Dense or Operation.LayerNorm or Operation.RmsNorm or Operation.Softmax or Operation.SwiGlu or Operation.AddRow:
                return a.ByRow(node, examples);
            case Operation.MatrixProduct:
                return (node.Option & 1) == 0 ? a.ByRow(node, examples) : default;
            case Operation.Concat:
                return a.Equals(tape.Node(node.B).Examples, examples) ? a.ByRow(node, examples) : default;
            case Operation.Convolution or Operation.TransposedConvolution or Operation.GroupNorm or Operation.MaxPool or Operation.AveragePool or Operation.ChannelsLast or Operation.ChannelsFirst:
            case Operation.Attention or Operation.StepMean:
                return a.IsPieces && node.Shape[0] % examples == 0 ? a : default;
            case Operation.SwapAxes:
                return a.IsPieces && node.Shape[1] == examples ? new(Order.Turns) : a._order == Order.Turns && node.Shape[0] == examples ? new(Order.Pieces) : default;
            case Operation.Recurrent:
                return a._order == Order.Turns && node.Shape[1] == examples ? a : default;
            case Operation.Gather:
                return Gathered(tape, ref node, examples);
            case Operation.SoftmaxCrossEntropy:
                return a.ByRow(tape.Node(node.A), examples).IsKnown && (a._order != Order.Runs || a.CountAlike(node, tape.Node(node.A).Shape.Rows, examples)) ? new(Order.Loss) : default;
            case Operation.SigmoidCrossEntropy or Operation.ValueLoss:
                return a._order is Order.Pieces or Order.Turns ? new(Order.Loss) : default;
            default:
                return default;
        }
    }

    // Rows of a table, for tokens in the order of the examples, or rows of a value, which go where their owners are.
    private static ExampleRows Gathered(Tape tape, ref Node node, int examples)
    {
        if (tape.Node(node.A).Operation == Operation.Parameter)
        {
            if (node.B < 0) return default;
            ref var tokens = ref tape.Node(node.B);
            return tokens.Examples.IsPieces || (tokens.Examples._order != Order.Loss && tokens.Shape.Columns == 1) ? tokens.Examples : default;
        }
        ref var from = ref tape.Node(node.A);
        if (from.Examples._order is not (Order.Pieces or Order.Turns) || from.Shape.Rows % examples != 0) return default;
        int count = node.Shape.Rows, each = from.Shape.Rows / examples, done = 0;
        var starts = (int*)tape.Take(examples + 1);
        var even = count % examples == 0;
        for (var e = 0; e < examples; e++)
        {
            starts[e] = done;
            while (done < count && (from.Examples.IsPieces ? ((int*)node.Saved)[done] / each : ((int*)node.Saved)[done] % examples) == e) done++;
            even &= done == (e + 1) * (count / examples);
        }
        starts[examples] = done;
        return done < count ? default : even ? new(Order.Pieces) : new(Order.Runs, starts);
    }

    private ExampleRows ByRow(in Node node, int examples) => _order switch
    {
        Order.Pieces or Order.Turns => node.Shape.Rows % examples == 0 ? this : default,
        Order.Runs => this,
        _ => default,
    };

    // A mean over all rows would give one example a share that depends on how many rows the others have, so that no clip would bound what it adds.
    private bool CountAlike(in Node loss, int rows, int examples)
    {
        var weights = loss.SavedToo;
        if (weights == null) return false;
        for (var e = 0; e < examples; e++)
        {
            var sum = 0.0;
            for (var i = _starts[e]; i < _starts[e + 1]; i++) sum += weights[i];
            if (_starts[e + 1] > _starts[e] && !(Math.Abs(sum * examples / rows - 1) < 1e-4)) return false;
        }
        return true;
    }

    private bool Equals(in ExampleRows other, int examples) => _order == other._order && (_order != Order.Runs || new ReadOnlySpan<int>(_starts, examples + 1).SequenceEqual(new ReadOnlySpan<int>(other._starts, examples + 1)));
}
