using System.Globalization;
using Comity.Tensors.Kernels;

namespace Comity.Tensors.Differentiation;

/// <summary>Rows chosen by number, and rows and columns put together.</summary>
public static unsafe class Embeddings
{
    /// <summary>The row of a table for each token.</summary>
    /// <param name="tape">The tape.</param>
    /// <param name="tokens">Whole numbers from 0, any shape of n elements.</param>
    /// <param name="table">Shape [vocabulary, width].</param>
    /// <returns>Shape [n, width].</returns>
    /// <exception cref="ArgumentException">A token is none of the vocabulary.</exception>
    public static Tensor Embed(this Tape tape, Tensor tokens, Tensor table)
    {
        var count = tokens.Shape.Length;
        var vocabulary = table.Shape.Rows;
        float* source = tape.Node(tokens.Index).Value;
        var rows = (int*)tape.Take(count);
        for (var i = 0; i < count; i++)
        {
            var token = source[i];
            if (!(token >= 0 && token < vocabulary && token == MathF.Floor(token)))
                throw new ArgumentException(string.Create(CultureInfo.InvariantCulture, $"Position {i} holds the token {token}; the embedding's tokens run from 0 to {vocabulary - 1}."), nameof(tokens));
            rows[i] = (int)token;
        }
        return Gather(tape, table, rows, count, tokens.Index);
    }

    /// <summary>Chosen rows of a matrix.</summary>
    /// <param name="tape">The tape.</param>
    /// <param name="x">Shape […, n], read as rows of n.</param>
    /// <param name="rows">Their numbers; one may occur several times.</param>
    /// <returns>Shape [rows, n].</returns>
    public static Tensor Gather(this Tape tape, Tensor x, ReadOnlySpan<int> rows) => Gather(tape, x, Indices(tape, rows, x.Shape.Rows), rows.Length);

    /// <summary>Neighbouring rows of a matrix.</summary>
    /// <param name="tape">The tape.</param>
    /// <param name="x">Shape [rows, n].</param>
    /// <param name="first">The first of them.</param>
    /// <param name="count">How many.</param>
    public static Tensor Block(this Tape tape, Tensor x, int first, int count)
    {
        if (first < 0 || count < 1 || first + count > x.Shape.Rows) throw new ArgumentException($"Rows {first} to {first + count - 1} were asked for; there are {x.Shape.Rows}.", nameof(first));
        var rows = (int*)tape.Take(count);
        for (var i = 0; i < count; i++) rows[i] = first + i;
        return Gather(tape, x, rows, count);
    }

    /// <summary>A matrix of zeros to whose chosen rows those of x were added.</summary>
    /// <param name="tape">The tape.</param>
    /// <param name="x">Shape [rows, n].</param>
    /// <param name="rows">Where each row of x goes; several may go to one.</param>
    /// <param name="count">Rows of the result.</param>
    public static Tensor Scatter(this Tape tape, Tensor x, ReadOnlySpan<int> rows, int count)
    {
        if (rows.Length != x.Shape.Rows) throw new ArgumentException($"{rows.Length} places do not fit {x.Shape.Rows} rows.", nameof(rows));
        var indices = Indices(tape, rows, count);
        var shape = new Shape(count, x.Shape.Columns);
        var value = tape.Take(shape.Length);
        new Span<float>(value, shape.Length).Clear();
        tape.Kernels.Scatter(tape.Node(x.Index).Value, indices, rows.Length, shape.Columns, value);
        tape.Append(Operation.Scatter, shape, value, x.Index).Saved = (float*)indices;
        return tape.Last;
    }

    /// <summary>The columns of x and those of y beside one another.</summary>
    /// <param name="tape">The tape.</param>
    /// <param name="x">Shape [rows, n].</param>
    /// <param name="y">Shape [rows, m].</param>
    /// <returns>Shape [rows, n + m].</returns>
    public static Tensor Concat(this Tape tape, Tensor x, Tensor y)
    {
        int rows = x.Shape.Rows, n = x.Shape.Columns, m = y.Shape.Columns;
        if (y.Shape.Rows != rows) throw new ArgumentException($"Columns of {x.Shape} and {y.Shape} cannot stand beside one another.", nameof(y));
        var shape = new Shape(rows, n + m);
        var value = tape.Take(shape.Length);
        float* left = tape.Node(x.Index).Value, right = tape.Node(y.Index).Value;
        for (nint i = 0; i < rows; i++)
        {
            Buffer.MemoryCopy(left + i * n, value + i * (n + m), n * sizeof(float), n * sizeof(float));
            Buffer.MemoryCopy(right + i * m, value + i * (n + m) + n, m * sizeof(float), m * sizeof(float));
        }
        tape.Append(Operation.Concat, shape, value, x.Index, y.Index);
        return tape.Last;
    }

    /// <summary>From [a, b, n] to [b, a, n]: between the order of sequences and the order of time.</summary>
    public static Tensor SwapAxes(this Tape tape, Tensor x)
    {
        var shape = x.Shape;
        if (shape.Rank != 3) throw new ArgumentException($"Three sizes were expected, not {shape}.", nameof(x));
        var value = tape.Take(shape.Length);
        Swap(tape.Node(x.Index).Value, value, shape[0], shape[1], shape[2]);
        tape.Append(Operation.SwapAxes, new Shape(shape[1], shape[0], shape[2]), value, x.Index);
        return tape.Last;
    }

    /// <summary>The mean over the steps of each sequence that are not padding.</summary>
    /// <param name="tape">The tape.</param>
    /// <param name="x">Shape [batch, steps, n].</param>
    /// <param name="lengths">Steps that count, from 1, shape [batch]; empty: all.</param>
    /// <returns>Shape [batch, n].</returns>
    public static Tensor StepMean(this Tape tape, Tensor x, ReadOnlySpan<int> lengths = default)
    {
        var shape = x.Shape;
        if (shape.Rank != 3) throw new ArgumentException($"Three sizes were expected, not {shape}.", nameof(x));
        int batch = shape[0], steps = shape[1], n = shape[2];
        var known = Sequences.Lengths(tape, lengths, batch, steps);
        var value = tape.Take((nint)batch * n);
        var source = tape.Node(x.Index).Value;
        for (nint b = 0; b < batch; b++)
        {
            var length = known == null ? steps : known[b];
            tape.Kernels.ColumnSums(source + b * steps * n, length, n, value + b * n, accumulate: false);
            tape.Kernels.Affine(1f / length, 0, value + b * n, value + b * n, n);
        }
        tape.Append(Operation.StepMean, new Shape(batch, n), value, x.Index).Saved = (float*)known;
        return tape.Last;
    }

    internal static void Swap(float* source, float* target, int a, int b, int n)
    {
        for (nint i = 0; i < a; i++)
        {
            for (nint j = 0; j < b; j++) Buffer.MemoryCopy(source + (i * b + j) * n, target + (j * a + i) * n, n * sizeof(float), n * sizeof(float));
        }
    }

    private static Tensor Gather(Tape tape, Tensor x, int* rows, int count, int tokens = -1)
    {
        var shape = new Shape(count, x.Shape.Columns);
        var value = tape.Take(shape.Length);
        tape.Kernels.Gather(tape.Node(x.Index).Value, rows, count, shape.Columns, value);
        tape.Append(Operation.Gather, shape, value, x.Index, tokens).Saved = (float*)rows;
        return tape.Last;
    }

    private static int* Indices(Tape tape, ReadOnlySpan<int> rows, int count)
    {
        foreach (var row in rows)
        {
            if ((uint)row >= (uint)count) throw new ArgumentException($"Row {row} was asked for; there are {count}.", nameof(rows));
        }
        var kept = (int*)tape.Take(rows.Length);
        rows.CopyTo(new Span<int>(kept, rows.Length));
        return kept;
    }
}
