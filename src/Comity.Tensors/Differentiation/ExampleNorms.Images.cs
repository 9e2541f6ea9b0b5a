using Comity.Tensors.Kernels;

namespace Comity.Tensors.Differentiation;

/// <summary>Norm rules of images.</summary>
internal static unsafe partial class ExampleNorms
{
    private static void AddImages(delegate*<Tape, ref Node, int, double*, void>[] table)
    {
        table[(int)Operation.Convolution] = &Convolution;
        table[(int)Operation.TransposedConvolution] = &TransposedConvolution;
        table[(int)Operation.GroupNorm] = &GroupNorm;
    }

    private static void Convolution(Tape tape, ref Node node, int examples, double* squares) => Convolution(tape, ref node, examples, squares, tape.Node(node.A).Value, node.Gradient);

    // The same with input and output in each other's place
    private static void TransposedConvolution(Tape tape, ref Node node, int examples, double* squares) => Convolution(tape, ref node, examples, squares, node.Gradient, tape.Node(node.A).Value);

    private static void Convolution(Tape tape, ref Node node, int examples, double* squares, float* x, float* d)
    {
        // As with dense layers: the activation has been passed already.
        node.Option = 0;
        if (IsAsked(tape, node.B)) tape.Kernels.ConvolveWeightNorms(*(ConvolutionShape*)node.SavedToo, examples, x, d, squares);
        if (!IsAsked(tape, node.C)) return;
        int n = node.Shape.Columns, pixels = node.Shape.Rows / examples;
        var sums = tape.Take(n);
        for (nint i = 0; i < examples; i++)
        {
            tape.Kernels.ColumnSums(node.Gradient + i * pixels * n, pixels, n, sums, accumulate: false);
            squares[i] += tape.Kernels.Dot(sums, sums, n);
        }
    }

    // ∂γ = Σ r·g·c and ∂β = Σ g over an example's pixels, with c = x − mean
    private static void GroupNorm(Tape tape, ref Node node, int examples, double* squares)
    {
        var kernels = tape.Kernels;
        int images = node.Shape[0], n = node.Shape.Columns, pixels = node.Shape.Rows / images, each = images / examples;
        bool scale = IsAsked(tape, node.B), shift = IsAsked(tape, node.C);
        float* x = tape.Node(node.A).Value, sums = tape.Take(n), products = tape.Take(n), allSums = tape.Take(n), allProducts = tape.Take(n);
        for (nint i = 0; i < examples; i++)
        {
            new Span<float>(allSums, n).Clear();
            new Span<float>(allProducts, n).Clear();
            for (var image = i * each; image < (i + 1) * each; image++)
            {
                kernels.ColumnNormSums(node.Gradient + image * pixels * n, x + image * pixels * n, node.Saved + image * n, pixels, n, sums, products);
                kernels.Add(allSums, sums, allSums, n);
                kernels.Multiply(products, node.SavedToo + image * n, allProducts, n, accumulate: true);
            }
            if (scale) squares[i] += kernels.Dot(allProducts, allProducts, n);
            if (shift) squares[i] += kernels.Dot(allSums, allSums, n);
        }
    }
}
