namespace Comity.Tensors.Differentiation;

/// <summary>The sum over examples of each one's gradient, clipped in norm on its own, without any single gradient being made.</summary>
/// <remarks>
/// <code>
/// values only, last node to first ─► norm of each example ─► rows of ∂L/∂y scaled by min(1, C/norm) ─► parameters only
/// </code>
/// One pass forward and one back, as without clipping: norms come from what the nodes hold (Goodfellow 2015, arXiv:1510.01799), and
/// the derivative by each layer's value is kept instead of being computed twice ("book-keeping", Bu et al. 2023, arXiv:2210.00038).
/// Layers may share a matrix, such as tokens that are predicted by the vectors that they are read by. A model whose examples meet on the tape is not taken
/// (<see cref="CanClip"/>): its caller passes examples one by one.
/// </remarks>
public static unsafe class ClippedBackward
{
    // A product rounds by at most 2⁻²⁴ of itself; this much lower, the clipped norm stays under C in exact arithmetic.
    private const double RoundingRoom = 1 - 1.0 / (1 << 22);

    /// <summary>Whether every node between the loss and the parameters keeps examples apart and tells their norms.</summary>
    /// <param name="tape">The tape.</param>
    /// <param name="loss">The mean loss of the examples.</param>
    /// <param name="examples">How many; each owns as many neighbouring rows as the others. Of rows gathered from them it may own more or fewer, as long as the loss's weights let all examples count alike.</param>
    public static bool CanClip(this Tape tape, Tensor loss, int examples)
    {
        ArgumentNullException.ThrowIfNull(tape);
        for (var i = 0; i <= loss.Index; i++)
        {
            ref var node = ref tape.Node(i);
            node.Uses = 0;
            if (node.Operation == Operation.Parameter) continue;
            node.Examples = ExampleRows.After(tape, ref node, examples);
            if (!node.NeedsGradient || node.Operation == Operation.Leaf) continue;
            if (!node.Examples.IsKnown || !Reads(tape, ref node, 1, node.A) || !Reads(tape, ref node, 2, node.B) || !Reads(tape, ref node, 4, node.C)) return false;
        }
        ref var end = ref tape.Node(loss.Index);
        return !end.NeedsGradient || end.Examples.IsLoss || examples == 1;
    }

    /// <summary>Fills the flat gradient with Σ min(1, C/‖gᵢ‖)·gᵢ over the examples, gᵢ being the gradient of one example's own loss.</summary>
    /// <param name="tape">The tape.</param>
    /// <param name="loss">The mean loss of the examples.</param>
    /// <param name="clip">C &gt; 0.</param>
    /// <param name="norms">Shape [examples]; gets each example's norm before clipping. They are not private.</param>
    /// <exception cref="InvalidOperationException"><see cref="CanClip"/> is false for this loss.</exception>
    public static void BackwardClipped(this Tape tape, Tensor loss, float clip, Span<float> norms)
    {
        if (!(clip > 0 && float.IsFinite(clip))) throw new ArgumentOutOfRangeException(nameof(clip), clip, "The clip must be positive and finite.");
        var examples = norms.Length;
        if (!tape.CanClip(loss, examples)) throw new InvalidOperationException("Examples meet on this tape, or a parameter stands where its norm is not known: pass them one by one.");

        norms.Clear();
        // The loss is a mean, so its derivative times the number of examples is each example's own.
        if (tape.SeedGradient(loss, examples))
        {
            var squares = (double*)tape.Take(2 * (nint)examples);
            new Span<double>(squares, examples).Clear();
            Measure(tape, loss.Index, examples, squares);
            for (var i = 0; i < examples; i++) norms[i] = (float)Math.Sqrt(squares[i]);
            Collect(tape, loss.Index, examples, squares, clip);
        }
        tape.ClearUntouched();
    }

    private static void Measure(Tape tape, int last, int examples, double* squares)
    {
        tape.Flow = GradientFlow.Values;
        for (var i = last; i >= 0; i--)
        {
            ref var node = ref tape.Node(i);
            if (!node.HasGradient || node.Operation <= Operation.Parameter) continue;
            DerivativeRules.Apply(tape, ref node);
            if (HasParameter(tape, ref node)) ExampleNorms.Apply(tape, ref node, examples, squares);
        }
        SharedNorms.Add(tape, last, examples, squares);
        tape.Flow = GradientFlow.Everything;
    }

    private static void Collect(Tape tape, int last, int examples, double* squares, float clip)
    {
        tape.Flow = GradientFlow.Parameters;
        for (var i = last; i >= 0; i--)
        {
            ref var node = ref tape.Node(i);
            if (!node.HasGradient || node.Operation <= Operation.Parameter || !HasParameter(tape, ref node)) continue;
            for (var e = 0; e < examples && !node.IsScaled; e++)
            {
                var norm = Math.Sqrt(squares[e]);
                if (norm > clip) Scale(tape, ref node, examples, e, (float)(clip / norm * RoundingRoom));
            }
            if (node.Operation == Operation.Recurrent) MarkScaled(tape, i, node.SavedToo);
            DerivativeRules.Apply(tape, ref node);
        }
        tape.Flow = GradientFlow.Everything;
    }

    // What flows into a recurrent layer is what flows out of the dense one before it, in the same memory.
    private static void MarkScaled(Tape tape, int end, float* gradient)
    {
        for (var i = 0; i < end; i++) tape.Node(i).IsScaled |= tape.Node(i).Gradient == gradient;
    }

    private static bool HasParameter(Tape tape, ref Node node) => IsParameter(tape, node.A) || IsParameter(tape, node.B) || IsParameter(tape, node.C);

    private static bool IsParameter(Tape tape, int operand) => operand >= 0 && tape.Node(operand) is { Operation: Operation.Parameter, NeedsGradient: true };

    private static void Scale(Tape tape, ref Node node, int examples, int example, float factor)
    {
        var (first, count, step) = node.Examples.Of(node.Shape.Rows, examples, example);
        // Of a recurrent layer that by its products, which its first pass kept.
        var isRecurrent = node.Operation == Operation.Recurrent;
        var columns = isRecurrent ? tape.Node(node.A).Shape.Columns : node.Shape.Columns;
        var gradient = isRecurrent ? node.SavedToo : node.Gradient;
        if (step == 1)
        {
            var own = gradient + first * columns;
            tape.Kernels.Affine(factor, 0, own, own, (nint)count * columns);
            return;
        }
        for (nint i = 0; i < count; i++)
        {
            var own = gradient + (first + i * step) * columns;
            tape.Kernels.Affine(factor, 0, own, own, columns);
        }
    }

    // A parameter stands where an operation tells its norm, and nothing that needs a gradient stands there but a parameter: its rows would be the examples'.
    private static bool Reads(Tape tape, ref Node node, int place, int operand)
    {
        if (operand < 0 || !tape.Node(operand).NeedsGradient) return true;
        var told = (ExampleNorms.Covers(node.Operation) & place) != 0;
        if (!IsParameter(tape, operand)) return !told || node.Operation == Operation.Gather;
        return told && (++tape.Node(operand).Uses == 1 || SharedNorms.CanTell(tape, operand));
    }
}
