using Comity.Tensors.Differentiation;

namespace Comity.Tensors.Tests.Differentiation;

/// <summary>The cases of sequences.</summary>
public sealed partial class DerivativeTests
{
    private static void AddSequences(Dictionary<string, Case> cases)
    {
        (int, int) matrix = (Rows, Columns), row = (1, Columns);
        int[] chosen = [3, 0, 3, 6, 2], places = [4, 0, 4, 1, 2, 2, 0];
        float[] tokens = [2, 6, 0, 2];
        cases["rms norm"] = new([matrix, row], (t, x) => t.RmsNorm(x[0], x[1]), x => SequenceTwin.RmsNorm(x[0], x[1]));
        cases["rms norm of a value used twice"] = new([matrix, row], (t, x) => t.Add(x[0], t.RmsNorm(x[0], x[1])), x => x[0].Zip(SequenceTwin.RmsNorm(x[0], x[1]), (a, b) => a + b));
        cases["gather"] = new([matrix], (t, x) => t.Add(t.Gather(x[0], chosen), t.Gather(x[0], [0, 1, 2, 3, 4])), x => Twin.Make(5, Columns, (i, j) => x[0][chosen[i], j] + x[0][i, j]));
        cases["scatter"] = new([matrix], (t, x) => t.Add(t.Scatter(x[0], places, Rows), x[0]),
            x => Twin.Make(Rows, Columns, (i, j) => x[0][i, j] + Enumerable.Range(0, Rows).Where(k => places[k] == i).Sum(k => x[0][k, j])));
        cases["embed with tied output"] = new([matrix, (4, Columns)], (t, x) => t.MatrixProduct(t.Add(t.Embed(t.Constant(tokens, new Shape(2, 2)), x[0]), x[1]), x[0], transposeY: true),
            x => Twin.Make(4, Columns, (i, j) => x[0][(int)tokens[i], j] + x[1][i, j]).Times(x[0].Transposed));
        cases["concat"] = new([matrix, (Rows, 5)], (t, x) => t.Concat(t.Concat(x[0], x[1]), x[0]), x => Twin.Make(Rows, 2 * Columns + 5, (i, j) =>
            j < Columns ? x[0][i, j] : j < Columns + 5 ? x[1][i, j - Columns] : x[0][i, j - Columns - 5]));
        cases["swap axes"] = new([(12, 5)], (t, x) => t.Add(t.Reshape(x[0], new Shape(4, 3, 5)), t.Reshape(t.SwapAxes(t.Reshape(x[0], new Shape(3, 4, 5))), new Shape(4, 3, 5))),
            x => x[0].Zip(SequenceTwin.Swap(x[0], 3), (a, b) => a + b));
        cases["step mean"] = new([(12, 5)], (t, x) => t.StepMean(t.Reshape(x[0], new Shape(3, 4, 5))), x => SequenceTwin.StepMean(x[0], 3, null));
        cases["step mean of packed sequences"] = new([(12, 5)], (t, x) => t.StepMean(t.Reshape(x[0], new Shape(3, 4, 5)), [4, 1, 3]), x => SequenceTwin.StepMean(x[0], 3, [4, 1, 3]));
        cases["swiglu"] = new([(Rows, 2 * Columns)], (t, x) => t.SwiGlu(x[0]), x => SequenceTwin.SwiGlu(x[0]));
        cases["swiglu of a value used twice"] = new([(Rows, 6)], (t, x) => t.Concat(t.SwiGlu(x[0]), x[0]),
            x => Twin.Make(Rows, 9, (i, j) => j < 3 ? SequenceTwin.SwiGlu(x[0])[i, j] : x[0][i, j - 3]));

        Tensor Attend(Tape t, Tensor x, int batch, int heads, bool causal, int[]? lengths = null, float[]? turns = null) =>
            t.Attention(t.Reshape(x, new Shape(batch, x.Shape.Rows / batch, x.Shape.Columns)), heads, causal, lengths, turns);
        cases["attention"] = new([(10, 36)], (t, x) => Attend(t, x[0], 2, 2, false), x => SequenceTwin.Attention(x[0], 2, 2, false));
        cases["causal attention"] = new([(10, 36)], (t, x) => Attend(t, x[0], 2, 3, true), x => SequenceTwin.Attention(x[0], 2, 3, true));
        cases["attention over padding"] = new([(15, 24)], (t, x) => Attend(t, x[0], 3, 2, false, [5, 1, 3]), x => SequenceTwin.Attention(x[0], 3, 2, false, [5, 1, 3]));
        cases["causal attention over padding"] = new([(15, 24)], (t, x) => Attend(t, x[0], 3, 2, true, [2, 5, 3]), x => SequenceTwin.Attention(x[0], 3, 2, true, [2, 5, 3]));
        cases["attention with rotary positions"] = new([(10, 36)], (t, x) => Attend(t, x[0], 2, 2, true, null, SequenceTwin.Turns(5, 6)), x => SequenceTwin.Attention(x[0], 2, 2, true, null, true));
        cases["attention with wide rotary heads"] = new([(4, 108)], (t, x) => Attend(t, x[0], 1, 1, false, null, SequenceTwin.Turns(4, 36)), x => SequenceTwin.Attention(x[0], 1, 1, false, null, true));
        cases["attention over several blocks"] = new([(40, 6)], (t, x) => Attend(t, x[0], 1, 1, false), x => SequenceTwin.Attention(x[0], 1, 1, false));
        cases["causal attention over several blocks"] = new([(40, 6)], (t, x) => Attend(t, x[0], 1, 1, true, [37]), x => SequenceTwin.Attention(x[0], 1, 1, true, [37]));
        cases["attention of a value used twice"] = new([(6, 12)], (t, x) => t.Concat(Attend(t, x[0], 2, 2, true, [3, 2]), x[0]),
            x => Twin.Make(6, 16, (i, j) => j < 4 ? SequenceTwin.Attention(x[0], 2, 2, true, [3, 2])[i, j] : x[0][i, j - 4]));

        foreach (var kind in Enum.GetValues<RecurrentKind>())
        {
            var gates = Sequences.Gates(kind);
            cases[$"{kind} wider than a register"] = new([(4, gates * 19), (19, gates * 19), (1, gates * 19)],
                (t, x) => t.Recurrent(kind, t.Reshape(x[0], new Shape(2, 2, gates * 19)), x[1], x[2]), x => SequenceTwin.Recurrent(kind, x[0], x[1], x[2], 2, false, null));
            foreach (var (name, hidden, reverse, lengths) in new (string, int, bool, int[]?)[] { ("", 3, false, null), (", reversed", 3, true, null), (", packed", 3, false, [4, 1, 3]), (", packed and reversed", 3, true, [2, 4, 1]) })
            {
                cases[$"{kind}{name}"] = new([(12, gates * hidden), (hidden, gates * hidden), (1, gates * hidden)],
                    (t, x) => t.Recurrent(kind, t.Reshape(x[0], new Shape(4, 3, gates * hidden)), x[1], x[2], reverse, lengths),
                    x => SequenceTwin.Recurrent(kind, x[0], x[1], x[2], 4, reverse, lengths));
            }
            cases[$"{kind} without bias, its input and weights used twice"] = new([(6, gates * 3), (3, gates * 3)],
                (t, x) => t.Concat(t.Add(Recur(t, kind, x, false), Recur(t, kind, x, true)), t.Reshape(x[0], new Shape(2, 3, gates * 3))),
                x => Twin.Make(6, 3 + gates * 3, (i, j) => j >= 3 ? x[0][i, j - 3] : SequenceTwin.Recurrent(kind, x[0], x[1], null, 2, false, null)[i, j] + SequenceTwin.Recurrent(kind, x[0], x[1], null, 2, true, null)[i, j]));
            cases[$"{kind} of a single step"] = new([(3, gates * 3), (3, gates * 3)], (t, x) => t.Add(t.Recurrent(kind, t.Reshape(x[0], new Shape(1, 3, gates * 3)), x[1]), t.Reshape(t.Gather(t.Reshape(x[1], new Shape(3 * gates, 3)), [0, 1, 2]), new Shape(1, 3, 3))),
                x => Twin.Make(3, 3, (i, j) => SequenceTwin.Recurrent(kind, x[0], x[1], null, 1, false, null)[i, j] + x[1].Values[i * 3 + j]));
        }
    }

    private static Tensor Recur(Tape tape, RecurrentKind kind, Tensor[] x, bool reverse) =>
        tape.Recurrent(kind, tape.Reshape(x[0], new Shape(2, 3, x[0].Shape.Columns)), x[1], null, reverse);
}
