namespace Comity.Tensors.Differentiation;

/// <summary>The sum over examples of each one's gradient, clipped in norm on its own, without any single gradient being made.</summary>
/// <remarks>
/// <code>
/// values only, last node to first ─► norm of each example ─► rows of ∂L/∂y scaled by min(1, C/norm) ─► parameters only
/// </code>
/// One pass forward and one back, as without clipping: norms come from what the nodes hold (Goodfellow 2015, arXiv:1510.01799), and
/// the derivative by each layer's value is kept instead of being computed twice ("book-keeping", Bu et al. 2023, arXiv:2210.00038).
/// A model whose examples meet on the tape, or whose layers share a parameter, is not taken (<see cref="CanClip"/>): its caller passes examples one by one.
/// </remarks>
public static unsafe class ClippedBackward
{
    // A product rounds by at most 2⁻²⁴ of itself; this much lower, the clipped norm stays under C in exact arithmetic.
    private const double RoundingRoom = 1 - 1.0 / (1 << 22);

    /// <summary>Whether every node between the loss and the parameters keeps examples apart and tells their norms.</summary>
    /// <param name="tape">The tape.</param>
    /// <param name="loss">The mean loss of the examples.</param>
    /// <param name="examples">How many; each owns as many neighbouring rows as the others.</param>
    public static bool CanClip(this Tape tape, Tensor loss, int examples)
    {
        ArgumentNullException.ThrowIfNull(tape);
        Span<bool> used = tape.Layout.Entries.Count <= 256 ? stackalloc bool[tape.Layout.Entries.Count] : new bool[tape.Layout.Entries.Count];
        for (var i = 0; i <= loss.Index; i++)
        {
            ref var node = ref tape.Node(i);
            if (node.Operation <= Operation.Parameter || !node.NeedsGradient) continue;
            if (!ExampleNorms.KeepsApart(tape, ref node, examples)) return false;
            if (!Once(tape, ref node, 1, node.A, used) || !Once(tape, ref node, 2, node.B, used) || !Once(tape, ref node, 4, node.C, used)) return false;
        }
        return true;
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
        if (!tape.CanClip(loss, examples)) throw new InvalidOperationException("Examples meet on this tape, or a parameter is used twice: pass them one by one.");

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
        tape.Flow = GradientFlow.Everything;
    }

    private static void Collect(Tape tape, int last, int examples, double* squares, float clip)
    {
        tape.Flow = GradientFlow.Parameters;
        for (var i = last; i >= 0; i--)
        {
            ref var node = ref tape.Node(i);
            if (!node.HasGradient || node.Operation <= Operation.Parameter || !HasParameter(tape, ref node)) continue;
            var length = node.Shape.Length / examples;
            for (var e = 0; e < examples; e++)
            {
                var norm = Math.Sqrt(squares[e]);
                if (norm <= clip) continue;
                var own = node.Gradient + (nint)e * length;
                tape.Kernels.Affine((float)(clip / norm * RoundingRoom), 0, own, own, length);
            }
            DerivativeRules.Apply(tape, ref node);
        }
        tape.Flow = GradientFlow.Everything;
    }

    private static bool HasParameter(Tape tape, ref Node node) => IsParameter(tape, node.A) || IsParameter(tape, node.B) || IsParameter(tape, node.C);

    private static bool IsParameter(Tape tape, int operand) => operand >= 0 && tape.Node(operand) is { Operation: Operation.Parameter, NeedsGradient: true };

    // ‖Σ of two uses‖² is not the sum of two norms, so a parameter may stand in one place only, and in one whose norm is known.
    private static bool Once(Tape tape, ref Node node, int place, int operand, Span<bool> used)
    {
        if (!IsParameter(tape, operand)) return true;
        ref var before = ref used[tape.Node(operand).Option];
        if (before || (ExampleNorms.Covers(node.Operation) & place) == 0) return false;
        return before = true;
    }
}
