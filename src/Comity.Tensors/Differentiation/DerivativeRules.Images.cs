using Comity.Tensors.Kernels;

namespace Comity.Tensors.Differentiation;

/// <summary>Rules of images.</summary>
internal static unsafe partial class DerivativeRules
{
    private static void AddImages(delegate*<Tape, ref Node, void>[] table)
    {
        table[(int)Operation.BatchNorm] = &BatchNorm;
        table[(int)Operation.GroupNorm] = &GroupNorm;
        table[(int)Operation.Convolution] = &Convolution;
        table[(int)Operation.TransposedConvolution] = &TransposedConvolution;
        table[(int)Operation.MaxPool] = &MaxPool;
        table[(int)Operation.AveragePool] = &AveragePool;
        table[(int)Operation.ChannelsLast] = &ChannelsLast;
        table[(int)Operation.ChannelsFirst] = &ChannelsFirst;
    }

    // c = x − mean, y = γrc + β: ∂γ = r·Σ g·c, ∂β = Σ g, ∂x = γr·(g − mean(g) − r²·c·mean(g·c)); with running statistics, which are constants, ∂x = γr·g
    private static void BatchNorm(Tape tape, ref Node node)
    {
        int rows = node.Shape.Rows, n = node.Shape.Columns;
        float* source = tape.Node(node.A).Value, mean = node.Saved, inverse = node.SavedToo;
        float* sums = tape.Take(n), products = tape.Take(n), factor = tape.Take(n);
        var kernels = tape.Kernels;
        kernels.ColumnNormSums(node.Gradient, source, mean, rows, n, sums, products);
        kernels.Multiply(products, inverse, products, n, accumulate: false);
        AddTo(tape, node.B, products, 1);
        AddTo(tape, node.C, sums, 1);
        var x = tape.GradientOf(node.A, out var more);
        if (x == null) return;
        kernels.Multiply(tape.Node(node.B).Value, inverse, factor, n, accumulate: false);
        var share = node.Option == 1 ? -1f / rows : 0;
        for (var j = 0; j < n; j++)
        {
            products[j] *= share * factor[j] * inverse[j];
            sums[j] *= share * factor[j];
        }
        kernels.ColumnNormRule(node.Gradient, source, mean, factor, products, sums, x, rows, n, more);
    }

    // The same by image, where mean and variance are a group's: with M values in a group, ∂x = γr·g − r/M·Σγg − r³c/M·Σγgc, sums over the group
    private static void GroupNorm(Tape tape, ref Node node)
    {
        int images = node.Shape[0], n = node.Shape.Columns, pixels = node.Shape.Rows / images, width = n / node.Option;
        float* source = tape.Node(node.A).Value, gamma = tape.Node(node.B).Value;
        float* sums = tape.Take(n), products = tape.Take(n), factor = tape.Take(n), allSums = tape.Take(n), allProducts = tape.Take(n);
        new Span<float>(allSums, n).Clear();
        new Span<float>(allProducts, n).Clear();
        var kernels = tape.Kernels;
        var x = tape.GradientOf(node.A, out var more);
        for (nint i = 0; i < images; i++)
        {
            float* g = node.Gradient + i * pixels * n, values = source + i * pixels * n, mean = node.Saved + i * n, inverse = node.SavedToo + i * n;
            kernels.ColumnNormSums(g, values, mean, pixels, n, sums, products);
            for (var j = 0; j < n; j++)
            {
                allSums[j] += sums[j];
                allProducts[j] += products[j] * inverse[j];
            }
            if (x == null) continue;
            for (var first = 0; first < n; first += width)
            {
                float level = 0, along = 0;
                for (var j = first; j < first + width; j++)
                {
                    level += gamma[j] * sums[j];
                    along += gamma[j] * products[j];
                }
                var r = inverse[first];
                var share = -r / ((float)pixels * width);
                for (var j = first; j < first + width; j++) (factor[j], sums[j], products[j]) = (gamma[j] * r, share * level, share * r * r * along);
            }
            kernels.ColumnNormRule(g, values, mean, factor, products, sums, x + i * pixels * n, pixels, n, more);
        }
        AddTo(tape, node.B, allProducts, 1);
        AddTo(tape, node.C, allSums, 1);
    }

    // y = f(w ∗ x + b): with d = g·f′, each of the three has its kernel
    private static void Convolution(Tape tape, ref Node node)
    {
        ref var shape = ref *(ConvolutionShape*)node.SavedToo;
        var d = Through(tape, ref node);
        var w = tape.GradientOf(node.B, out var more);
        if (w != null) tape.Kernels.ConvolveWeightRule(shape, tape.Node(node.A).Value, d, w, more);
        var x = tape.GradientOf(node.A, out more);
        if (x != null) tape.Kernels.ConvolveInputRule(shape, d, tape.Node(node.B).Value, more ? x : null, x);
    }

    // The same with input and output in each other's place
    private static void TransposedConvolution(Tape tape, ref Node node)
    {
        ref var shape = ref *(ConvolutionShape*)node.SavedToo;
        var d = Through(tape, ref node);
        var w = tape.GradientOf(node.B, out var more);
        if (w != null) tape.Kernels.ConvolveWeightRule(shape, d, tape.Node(node.A).Value, w, more);
        var x = tape.GradientOf(node.A, out more);
        if (x != null) tape.Kernels.Convolve(shape, d, tape.Node(node.B).Value, more ? x : null, x);
    }

    // The gradient before the activation takes the place of the one after it; the bias gets its sums.
    private static float* Through(Tape tape, ref Node node)
    {
        var d = node.Gradient;
        PassActivation(tape, ref node);
        if (node.C < 0) return d;
        var bias = tape.GradientOf(node.C, out var more);
        if (bias != null) tape.Kernels.ColumnSums(d, node.Shape.Rows, node.Shape.Columns, bias, more);
        return d;
    }

    private static void MaxPool(Tape tape, ref Node node)
    {
        var x = tape.GradientOf(node.A, out var more);
        if (x != null) tape.Kernels.PoolLargestRule(*(PoolingShape*)node.SavedToo, node.Gradient, node.Saved, x, more);
    }

    private static void AveragePool(Tape tape, ref Node node)
    {
        var x = tape.GradientOf(node.A, out var more);
        if (x != null) tape.Kernels.PoolMeanRule(*(PoolingShape*)node.SavedToo, node.Gradient, x, more);
    }

    private static void ChannelsLast(Tape tape, ref Node node) => Transpose(tape, ref node, node.Shape[3], node.Shape[1] * node.Shape[2]);

    private static void ChannelsFirst(Tape tape, ref Node node) => Transpose(tape, ref node, node.Shape[2] * node.Shape[3], node.Shape[1]);

    // ∂x[n, i, j] += g[n, j, i]
    private static void Transpose(Tape tape, ref Node node, int rows, int columns)
    {
        var x = tape.GradientOf(node.A, out var more);
        if (x == null) return;
        var target = more ? tape.Take(node.Shape.Length) : x;
        Images.Transpose(node.Gradient, node.Shape[0], columns, rows, target);
        if (more) tape.Kernels.AddScaled(1, target, x, node.Shape.Length);
    }
}
