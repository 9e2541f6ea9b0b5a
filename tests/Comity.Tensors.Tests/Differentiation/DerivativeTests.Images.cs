using Comity.Tensors.Differentiation;

namespace Comity.Tensors.Tests.Differentiation;

/// <summary>The cases of images and series.</summary>
public sealed partial class DerivativeTests
{
    private static void AddImages(Dictionary<string, Case> cases)
    {
        void Convolve(string name, ImageTwin image, int inputs, int outputs, int high, int wide, ConvolutionWindow window)
        {
            Tensor Weight(Tensor w) => w.Tape.Reshape(w, new Shape(outputs, inputs / window.Groups, high, wide));
            cases[name] = new([image.Shape(inputs), (outputs, inputs / window.Groups * high * wide), (1, outputs)],
                (t, x) => t.Convolution(t.Reshape(x[0], image.Sizes(inputs)), Weight(x[1]), x[2], window),
                x => image.Convolution(x[0], x[1], high, wide, window, x[2].Values));
        }
        void Transposed(string name, ImageTwin image, int inputs, int outputs, int high, int wide, ConvolutionWindow window, int extra = 0)
        {
            Tensor Weight(Tensor w) => w.Tape.Reshape(w, new Shape(inputs, outputs / window.Groups, high, wide));
            cases[name] = new([image.Shape(inputs), (inputs, outputs / window.Groups * high * wide), (1, outputs)],
                (t, x) => t.TransposedConvolution(t.Reshape(x[0], image.Sizes(inputs)), Weight(x[1]), x[2], window, extra, extra),
                x => image.TransposedConvolution(x[0], x[1], high, wide, window, extra, x[2].Values));
        }
        ImageTwin small = new(2, 5, 6), line = new(2, 1, 11), tiny = new(7, 2, 2), one = new(1, 5, 4);
        Convolve("convolution", small, 2, 3, 3, 3, ConvolutionWindow.Square(padding: 1));
        Convolve("convolution of one channel without padding", small, 1, 5, 3, 2, ConvolutionWindow.Plain);
        Convolve("pointwise convolution", small, 3, 4, 1, 1, ConvolutionWindow.Plain);
        Convolve("pointwise convolution with a stride", small, 2, 3, 1, 1, ConvolutionWindow.Square(2));
        Convolve("convolution with a stride", small, 2, 3, 3, 3, ConvolutionWindow.Square(2, 1));
        Convolve("convolution whose stride leaves inputs unread", small, 2, 2, 2, 2, ConvolutionWindow.Square(3));
        Convolve("convolution with dilation", small, 2, 2, 2, 3, ConvolutionWindow.Square(padding: 2, dilation: 2));
        Convolve("convolution with stride and dilation", small, 2, 2, 3, 2, new(2, 3, 2, 1, 2, 3));
        Convolve("grouped convolution", small, 4, 6, 3, 3, ConvolutionWindow.Square(2, 1, groups: 2));
        Convolve("depthwise convolution", small, 5, 5, 3, 3, ConvolutionWindow.Square(padding: 1, groups: 5));
        Convolve("depthwise convolution with a stride", small, 3, 3, 3, 3, ConvolutionWindow.Square(2, 1, groups: 3));
        Convolve("depthwise convolution with more outputs", small, 2, 4, 3, 3, ConvolutionWindow.Square(padding: 1, groups: 2));
        Convolve("convolution of many small images", tiny, 2, 3, 2, 2, ConvolutionWindow.Square(padding: 1));
        Transposed("transposed convolution", small, 2, 3, 3, 3, ConvolutionWindow.Square(2, 1), extra: 1);
        Transposed("transposed convolution without overlap", small, 3, 2, 2, 2, ConvolutionWindow.Square(2));
        Transposed("transposed convolution in groups", small, 2, 4, 3, 3, ConvolutionWindow.Square(padding: 1, groups: 2));

        cases["convolution of a series"] = new([line.Shape(3), (4, 9), (1, 4)],
            (t, x) => t.Convolution(t.Reshape(x[0], new Shape(2, 11, 3)), t.Reshape(x[1], new Shape(4, 3, 3)), x[2], new(StrideX: 2, PaddingX: 1)),
            x => line.Convolution(x[0], x[1], 1, 3, new(StrideX: 2, PaddingX: 1), x[2].Values));
        cases["transposed convolution of a series"] = new([line.Shape(3), (3, 8)],
            (t, x) => t.TransposedConvolution(t.Reshape(x[0], new Shape(2, 11, 3)), t.Reshape(x[1], new Shape(3, 2, 4)), null, new(StrideX: 2, PaddingX: 1)),
            x => line.TransposedConvolution(x[0], x[1], 1, 4, new(StrideX: 2, PaddingX: 1)));
        cases["convolution of a value used twice"] = new([small.Shape(2), (2, 18)],
            (t, x) => t.Add(t.Reshape(x[0], small.Sizes(2)), t.Convolution(t.Reshape(x[0], small.Sizes(2)), t.Reshape(x[1], new Shape(2, 2, 3, 3)), null, ConvolutionWindow.Square(padding: 1))),
            x => x[0].Zip(small.Convolution(x[0], x[1], 3, 3, ConvolutionWindow.Square(padding: 1)), (a, b) => a + b));
        cases["convolution by a weight used twice"] = new([small.Shape(2), (2, 18)],
            (t, x) => Twice(t, small.Sizes(2), x),
            x => small.Convolution(small.Convolution(x[0], x[1], 3, 3, ConvolutionWindow.Square(padding: 1)), x[1], 3, 3, ConvolutionWindow.Square(padding: 1)));
        foreach (var activation in new[] { Activation.Relu, Activation.Gelu, Activation.Tanh })
        {
            cases[$"convolution and {activation}"] = new([small.Shape(2), (3, 18)],
                (t, x) => t.Convolution(t.Reshape(x[0], small.Sizes(2)), t.Reshape(x[1], new Shape(3, 2, 3, 3)), null, ConvolutionWindow.Square(padding: 1), activation),
                x => small.Convolution(x[0], x[1], 3, 3, ConvolutionWindow.Square(padding: 1)).Map(a => Twin.Apply(activation, a)));
        }

        var pools = new (string Name, PoolingWindow By)[]
        {
            ("side window side", PoolingWindow.Square(2)), ("overlapping", PoolingWindow.Square(3, 1)), ("beyond the edge", PoolingWindow.Square(3, 2, 1)), ("apart", PoolingWindow.Square(2, 3)),
        };
        foreach (var (name, window) in pools)
        {
            cases[$"largest of windows {name}"] = new([one.Shape(19)], (t, x) => t.MaxPool(t.Reshape(x[0], one.Sizes(19)), window), x => one.Pool(x[0], window, Enumerable.Max));
            cases[$"mean of windows {name}"] = new([one.Shape(19)], (t, x) => t.AveragePool(t.Reshape(x[0], one.Sizes(19)), window), x => one.Pool(x[0], window, Enumerable.Average));
        }
        var whole = new ImageTwin(1, 4, 6);
        cases["largest of windows that fill the image"] = new([whole.Shape(9)], (t, x) => t.MaxPool(t.Reshape(x[0], whole.Sizes(9)), PoolingWindow.Square(2)), x => whole.Pool(x[0], PoolingWindow.Square(2), Enumerable.Max));
        cases["largest of a value used twice"] = new([whole.Shape(3)],
            (t, x) => t.Add(t.Reshape(t.MaxPool(t.Reshape(x[0], whole.Sizes(3)), PoolingWindow.Square(2)), new Shape(18)), t.Reshape(t.AveragePool(t.Reshape(x[0], whole.Sizes(3)), PoolingWindow.Square(2)), new Shape(18))),
            x => whole.Pool(x[0], PoolingWindow.Square(2), v => v.Max() + v.Average()));
        cases["largest of steps"] = new([line.Shape(3)], (t, x) => t.MaxPool(t.Reshape(x[0], new Shape(2, 11, 3)), PoolingWindow.Square(3, 2)), x => line.Pool(x[0], new PoolingWindow(1, 3, 1, 2), Enumerable.Max));
        cases["mean of the whole image"] = new([one.Shape(19)], (t, x) => t.GlobalAveragePool(t.Reshape(x[0], one.Sizes(19))), x => one.Pool(x[0], new PoolingWindow(5, 4, 1, 1), Enumerable.Average));
        cases["channels last"] = new([(6, 30)], (t, x) => t.ChannelsLast(t.Reshape(x[0], new Shape(2, 3, 5, 6))), x => small.ChannelsLast(x[0], 3));
        cases["channels first"] = new([small.Shape(3)], (t, x) => t.ChannelsFirst(t.Reshape(x[0], small.Sizes(3))), x => small.ChannelsFirst(x[0]));
        cases["channels there and back"] = new([small.Shape(3)], (t, x) => t.Add(t.ChannelsLast(t.ChannelsFirst(t.Reshape(x[0], small.Sizes(3)))), t.Reshape(x[0], small.Sizes(3))), x => x[0].Map(a => 2 * a));
        cases["batch norm of channels"] = new([one.Shape(19), (1, 19), (1, 19)],
            (t, x) => t.BatchNorm(t.Reshape(x[0], one.Sizes(19)), x[1], x[2], Row(t, 0), Row(t, 1)), x => x[0].BatchNorm(x[1], x[2]))
        { Training = true };
        foreach (var groups in new[] { 1, 3, 6 })
        {
            cases[$"group norm of {groups}"] = new([(24, 6), (1, 6), (1, 6)],
                (t, x) => t.GroupNorm(t.Reshape(x[0], new Shape(2, 3, 4, 6)), x[1], x[2], groups), x => GroupNorm(x[0], x[1], x[2], 2, groups));
        }
        cases["group norm of steps, used twice"] = new([(15, 4), (1, 4), (1, 4)],
            (t, x) => t.Add(t.Reshape(x[0], new Shape(3, 5, 4)), t.GroupNorm(t.Reshape(x[0], new Shape(3, 5, 4)), x[1], x[2], 2)), x => x[0].Zip(GroupNorm(x[0], x[1], x[2], 3, 2), (a, b) => a + b));
        cases["batch norm of a value used twice"] = new([one.Shape(19), (1, 19), (1, 19)],
            (t, x) => t.Add(x[0], t.BatchNorm(x[0], x[1], x[2], Row(t, 0), Row(t, 1))), x => x[0].Zip(x[0].BatchNorm(x[1], x[2]), (a, b) => a + b))
        { Training = true };
    }

    // Slow: mean and variance of each group of each image are taken anew for every value.
    private static Twin GroupNorm(Twin x, Twin scale, Twin shift, int images, int groups)
    {
        int pixels = x.Rows / images, width = x.Columns / groups;
        return Twin.Make(x.Rows, x.Columns, (i, j) =>
        {
            double[] group = [.. from p in Enumerable.Range(i / pixels * pixels, pixels) from c in Enumerable.Range(j / width * width, width) select x[p, c]];
            var mean = group.Average();
            return scale.Values[j] * (x[i, j] - mean) / Math.Sqrt(group.Average(v => (v - mean) * (v - mean)) + 1e-5) + shift.Values[j];
        });
    }

    private static Tensor Twice(Tape tape, Shape sizes, Tensor[] x)
    {
        var w = tape.Reshape(x[1], new Shape(2, 2, 3, 3));
        var once = tape.Convolution(tape.Reshape(x[0], sizes), w, null, ConvolutionWindow.Square(padding: 1));
        return tape.Convolution(once, w, null, ConvolutionWindow.Square(padding: 1));
    }
}
