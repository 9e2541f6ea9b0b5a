using Comity.Learning.Models;
using Comity.Tensors.Kernels;
using Comity.Tensors.Memory;

namespace Comity.Learning.Generation;

/// <summary>A transformer decoder that reads one token at a time and keeps the keys and values of the earlier ones.</summary>
internal sealed unsafe class KeyValueCache
{
    private readonly TransformerNetwork _model;
    private readonly AlignedBuffer _parameters;
    private readonly AlignedBuffer _keys, _values; // [layer, step, width]
    private readonly AlignedBuffer _scratch;
    private readonly AlignedBuffer _turns;
    private int _count;

    public KeyValueCache(TransformerNetwork model, ReadOnlyMemory<float> parameters)
    {
        var section = model.Section;
        _model = model;
        _parameters = new AlignedBuffer(parameters.Length);
        parameters.Span.CopyTo(_parameters.Span);
        var length = section.Layers * model.Steps * section.Width;
        (_keys, _values) = (new AlignedBuffer(length), new AlignedBuffer(length));
        _scratch = new AlignedBuffer(7 * section.Width + 3 * section.FeedForwardWidth + model.Steps + 64);
        var turns = section.Positions == TransformerPositions.Rotary ? TransformerNetwork.Turns(model.Steps, section.HeadWidth) : [];
        _turns = new AlignedBuffer(turns.Length);
        turns.CopyTo(_turns.Span);
    }

    public void Clear() => _count = 0;

    /// <summary>Reads a token; room for it must be left.</summary>
    public void Read(int token, Span<float> scores)
    {
        var (section, kernels, width) = (_model.Section, _model.Kernels, _model.Section.Width);
        float* x = _scratch.Pointer, normal = x + width, qkv = normal + width, seen = qkv + 3 * width, moved = seen + width;
        float* inner = moved + width, weights = inner + 3 * section.FeedForwardWidth;
        Row(_model.Indices.Embedding, token, width).CopyTo(new Span<float>(x, width));
        if (_model.Indices.Positions >= 0) Add(x, Pointer(_model.Indices.Positions) + (nint)_count * width, width);
        // Segments begin at 0, and a continued text stays in the first.
        if (_model.Indices.Segments >= 0) Add(x, Pointer(_model.Indices.Segments), width);
        for (var l = 0; l < section.Layers; l++)
        {
            var layer = _model.Layers[l];
            Norm(x, layer.FirstNorm, normal);
            Dense(normal, layer.Qkv, width, 3 * width, qkv);
            Attend(l, qkv, weights, seen);
            Dense(seen, layer.Output, width, width, moved);
            Add(x, moved, width);
            Norm(x, layer.SecondNorm, normal);
            var wide = section.Unit == TransformerUnit.Gelu ? section.FeedForwardWidth : 2 * section.FeedForwardWidth;
            Dense(normal, layer.Up, width, wide, inner);
            var active = inner;
            if (section.Unit == TransformerUnit.Gelu) kernels.Apply(Function.Gelu, inner, inner, wide);
            else kernels.SwiGlu(inner, active = inner + wide, 1, section.FeedForwardWidth);
            Dense(active, layer.Down, section.FeedForwardWidth, width, moved);
            Add(x, moved, width);
        }
        Norm(x, _model.Indices.Norm, normal);
        fixed (float* target = scores)
        {
            if (_model.Indices.Output >= 0) Dense(normal, _model.Indices.Output, width, scores.Length, target);
            else kernels.Gemm(false, true, 1, scores.Length, width, normal, width, Pointer(_model.Indices.Embedding), width, target, scores.Length, null, 0);
        }
        _count++;
    }

    private void Attend(int layer, float* qkv, float* weights, float* seen)
    {
        var (section, kernels, width, d) = (_model.Section, _model.Kernels, _model.Section.Width, _model.Section.HeadWidth);
        float* keys = _keys.Pointer + (nint)layer * _model.Steps * width, values = _values.Pointer + (nint)layer * _model.Steps * width;
        if (_turns.Length > 0)
        {
            for (var h = 0; h < section.Heads; h++)
            {
                kernels.Turn(qkv + h * d, _turns.Pointer + (nint)_count * d, d);
                kernels.Turn(qkv + width + h * d, _turns.Pointer + (nint)_count * d, d);
            }
        }
        new ReadOnlySpan<float>(qkv + width, width).CopyTo(new Span<float>(keys + (nint)_count * width, width));
        new ReadOnlySpan<float>(qkv + 2 * width, width).CopyTo(new Span<float>(values + (nint)_count * width, width));
        var steps = _count + 1;
        var scale = (float)(1 / Math.Sqrt(d));
        for (var h = 0; h < section.Heads; h++)
        {
            for (nint t = 0; t < steps; t++) weights[t] = scale * (float)kernels.Dot(qkv + h * d, keys + t * width + h * d, d);
            kernels.Softmax(weights, weights, 1, steps);
            new Span<float>(seen + h * d, d).Clear();
            for (nint t = 0; t < steps; t++) kernels.AddScaled(weights[t], values + t * width + h * d, seen + h * d, d);
        }
    }

    private float* Pointer(int index) => _parameters.Pointer + _model.Layout.Entries[index].Offset;

    private Span<float> Row(int index, int row, int width) => new(Pointer(index) + (nint)row * width, width);

    private void Add(float* x, float* y, int n) => _model.Kernels.Add(x, y, x, n);

    private void Dense(float* x, int index, int inputs, int outputs, float* y) =>
        _model.Kernels.Gemm(false, false, 1, outputs, inputs, x, inputs, Pointer(index), outputs, y, outputs, Pointer(index + 1), 0);

    private void Norm(float* x, int index, float* y)
    {
        float mean, inverse;
        if (_model.Section.Norm == TransformerNorm.Layer) _model.Kernels.LayerNorm(x, Pointer(index), Pointer(index + 1), y, &mean, &inverse, 1, _model.Section.Width);
        else _model.Kernels.RmsNorm(x, Pointer(index), y, &inverse, 1, _model.Section.Width);
    }
}
