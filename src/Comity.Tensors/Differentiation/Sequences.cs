using Comity.Tensors.Kernels;

namespace Comity.Tensors.Differentiation;

/// <summary>Layers over sequences: attention, recurrence, gated units.</summary>
public static unsafe class Sequences
{
    /// <summary>Scaled dot-product attention of several heads (Vaswani et al. 2017, arXiv:1706.03762).</summary>
    /// <param name="tape">The tape.</param>
    /// <param name="qkv">Shape [batch, steps, 3·n]: queries, keys and values beside one another; a head is n/heads neighbouring columns of each.</param>
    /// <param name="heads">Number of heads; divides n.</param>
    /// <param name="causal">Whether a step sees only itself and what came before.</param>
    /// <param name="lengths">Steps of each sequence that are not padding, from 1, shape [batch]; empty: all. Padding is seen by nobody and gets zeros.</param>
    /// <param name="turns">Rotary positions: cosines, then sines, shape [steps, n/heads]; empty: none.</param>
    /// <returns>Shape [batch, steps, n].</returns>
    public static Tensor Attention(this Tape tape, Tensor qkv, int heads, bool causal, ReadOnlySpan<int> lengths = default, ReadOnlySpan<float> turns = default)
    {
        var from = qkv.Shape;
        if (from.Rank != 3 || from[2] % 3 != 0) throw new ArgumentException($"Attention reads [batch, steps, 3·n], not {from}.", nameof(qkv));
        int batch = from[0], steps = from[1], n = from[2] / 3;
        if (heads < 1 || n % heads != 0) throw new ArgumentException($"{n} columns cannot be cut into {heads} heads.", nameof(heads));
        float* angles = null;
        if (!turns.IsEmpty)
        {
            if (turns.Length != steps * (n / heads) || n / heads % 2 != 0)
                throw new ArgumentException($"{turns.Length} cosines and sines do not fit {steps} steps of heads with {n / heads} values, which must be even.", nameof(turns));
            angles = tape.Take(turns.Length);
            turns.CopyTo(new Span<float>(angles, turns.Length));
        }
        var shape = new AttentionShape(batch, steps, heads, n, causal, Lengths(tape, lengths, batch, steps), angles);
        float* value = tape.Take((nint)batch * steps * n), logSums = tape.Take((nint)batch * heads * steps);
        tape.Kernels.Attend(shape, tape.Node(qkv.Index).Value, value, logSums);
        ref var node = ref tape.Append(Operation.Attention, new Shape(batch, steps, n), value, qkv.Index);
        node.Saved = logSums;
        node.SavedToo = (float*)shape.Lengths;
        node.SavedLast = angles;
        node.Option = causal ? heads : -heads;
        return tape.Last;
    }

    /// <summary>A recurrent layer after its product with the input.</summary>
    /// <param name="tape">The tape.</param>
    /// <param name="kind">The cell.</param>
    /// <param name="input">Shape [steps, batch, gates·H], time-major: x·Wᵢ + bᵢ; the gates in the order i, f, g, o (lstm) or r, z, n (gru).</param>
    /// <param name="weight">Shape [H, gates·H].</param>
    /// <param name="bias">Shape [gates·H], added to the product with the state; null: none.</param>
    /// <param name="reverse">Whether it runs from the last step to the first.</param>
    /// <param name="lengths">Steps of each sequence that are not padding, from 1, shape [batch]; empty: all. Padding hands the state on.</param>
    /// <returns>The state after each step, shape [steps, batch, H].</returns>
    public static Tensor Recurrent(this Tape tape, RecurrentKind kind, Tensor input, Tensor weight, Tensor? bias = null, bool reverse = false, ReadOnlySpan<int> lengths = default)
    {
        var from = input.Shape;
        int gates = Gates(kind), hidden = weight.Shape.Rows;
        if (from.Rank != 3 || from[2] != gates * hidden || weight.Shape.Columns != gates * hidden)
            throw new ArgumentException($"A layer of kind {kind} with {hidden} hidden values reads [steps, batch, {gates * hidden}] by weights [{hidden}, {gates * hidden}], not {from} by {weight.Shape}.", nameof(input));
        if (bias is { } b && b.Shape.Length != gates * hidden) throw new ArgumentException($"A bias of shape {b.Shape} does not fit {gates * hidden} gates.", nameof(bias));
        int steps = from[0], batch = from[1];
        var shape = new RecurrentShape(kind, steps, batch, hidden, reverse, Lengths(tape, lengths, batch, steps));
        var rows = (nint)steps * batch;
        // State, cell and what the derivative needs lie one after another.
        var keeps = tape.Records ? Kept(kind) : 0;
        var value = tape.Take(rows * hidden);
        var cell = kind == RecurrentKind.Lstm ? tape.Take(rows * hidden) : null;
        var kept = keeps > 0 ? tape.Take(rows * hidden * keeps) : null;
        tape.Kernels.Recur(shape, tape.Node(input.Index).Value, tape.Node(weight.Index).Value, bias is { } added ? tape.Node(added.Index).Value : null, value, cell, kept);
        ref var node = ref tape.Append(Operation.Recurrent, new Shape(steps, batch, hidden), value, input.Index, weight.Index, bias?.Index ?? -1);
        node.Saved = cell;
        node.SavedToo = kept;
        node.SavedLast = (float*)shape.Lengths;
        node.Option = (int)kind | (reverse ? 16 : 0);
        return tape.Last;
    }

    /// <summary>silu(a)·b for rows that hold a and then b (Shazeer 2020, arXiv:2002.05202).</summary>
    /// <param name="tape">The tape.</param>
    /// <param name="x">Shape [rows, 2·n].</param>
    /// <returns>Shape [rows, n].</returns>
    public static Tensor SwiGlu(this Tape tape, Tensor x)
    {
        int rows = x.Shape.Rows, n = x.Shape.Columns / 2;
        if (x.Shape.Columns % 2 != 0) throw new ArgumentException($"Rows of an even number of values were expected, not {x.Shape}.", nameof(x));
        var value = tape.Take((nint)rows * n);
        tape.Kernels.SwiGlu(tape.Node(x.Index).Value, value, rows, n);
        tape.Append(Operation.SwiGlu, new Shape(rows, n), value, x.Index);
        return tape.Last;
    }

    /// <summary>Blocks of H values in a row of the layer's input.</summary>
    internal static int Gates(RecurrentKind kind) => kind switch
    {
        RecurrentKind.Lstm => LstmCell.Gates,
        RecurrentKind.Gru => GruCell.Gates,
        _ => RnnCell.Gates,
    };

    /// <summary>A copy of the lengths that stays until the pass is over; null when all are whole.</summary>
    internal static int* Lengths(Tape tape, ReadOnlySpan<int> lengths, int batch, int steps)
    {
        if (lengths.IsEmpty) return null;
        if (lengths.Length != batch) throw new ArgumentException($"{lengths.Length} lengths do not fit {batch} sequences.", nameof(lengths));
        foreach (var length in lengths)
        {
            if (length < 1 || length > steps) throw new ArgumentException($"A sequence of {length} steps does not fit into 1 to {steps}.", nameof(lengths));
        }
        var kept = (int*)tape.Take(batch);
        lengths.CopyTo(new Span<int>(kept, batch));
        return kept;
    }

    private static int Kept(RecurrentKind kind) => kind switch
    {
        RecurrentKind.Lstm => LstmCell.Kept,
        RecurrentKind.Gru => GruCell.Kept,
        _ => RnnCell.Kept,
    };
}
