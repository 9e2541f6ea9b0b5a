using System.Runtime.CompilerServices;
using Comity.Tensors.Kernels;
using Comity.Tensors.Memory;
using Comity.Tensors.Parameters;
using Comity.Tensors.Randomness;

namespace Comity.Tensors.Differentiation;

/// <summary>Computes at once, writes down what it did, and plays that backwards to differentiate (reverse mode).</summary>
/// <remarks>
/// <code>
/// tape.Begin(parameters, gradient);            nodes and memory of the last pass are reused: no allocation after warm-up
/// var loss = …operations…;                     each runs its kernel and appends one node
/// tape.Backward(loss);                         rules run from the last node to the first; the flat gradient is filled
/// </code>
/// One tape serves one thread. Operations are extension methods by family (<see cref="Algebra"/>, <see cref="Layers"/>,
/// <see cref="Losses"/>); a new one needs a method, an <see cref="Operation"/> and a rule in <see cref="DerivativeRules"/>.
/// </remarks>
public sealed unsafe class Tape
{
    private readonly Arena _arena = new();
    private readonly int[] _parameterNodes;
    private Node[] _nodes = new Node[64];
    private int _count;
    private float* _parameters;
    private float* _gradient;

    /// <param name="layout">The layout of the flat vectors that passes work on.</param>
    /// <param name="kernels">Kernels to compute with; null: the best of this processor.</param>
    public Tape(ParameterLayout layout, KernelSet? kernels = null)
    {
        ArgumentNullException.ThrowIfNull(layout);
        (Layout, Kernels, _parameterNodes) = (layout, kernels ?? KernelSet.Best, new int[layout.Entries.Count]);
    }

    /// <summary>The layout of parameters and gradient.</summary>
    public ParameterLayout Layout { get; }

    /// <summary>What computes.</summary>
    public KernelSet Kernels { get; }

    /// <summary>Whether layers behave as in training: dropout drops, batch normalisation observes.</summary>
    public bool IsTraining { get; private set; }

    /// <summary>The stream that layers draw from in training.</summary>
    internal SeededRandom? Random { get; private set; }

    /// <summary>Starts a pass that can be differentiated.</summary>
    /// <param name="parameters">Shape [P]; batch normalisation writes its statistics into it in training.</param>
    /// <param name="gradient">Shape [P]; filled by <see cref="Backward"/>.</param>
    /// <param name="random">Training with this stream for dropout; null: no layer behaves as in training.</param>
    public void Begin(AlignedBuffer parameters, AlignedBuffer gradient, SeededRandom? random = null)
    {
        Check(parameters.Length);
        Check(gradient.Length);
        Begin(parameters.Pointer, gradient.Pointer);
        (IsTraining, Random) = (random is not null, random);
    }

    /// <summary>Starts a pass for its values only. The memory must stay where it is until the pass is over.</summary>
    internal void BeginInference(float* parameters, int length)
    {
        Check(length);
        Begin(parameters, null);
        (IsTraining, Random) = (false, null);
    }

    /// <summary>The index that a model within a model calls its first: added to every index of <see cref="Parameter"/>.</summary>
    internal int FirstParameter { get; set; }

    /// <summary>A slice of the parameters, by its index in the layout. Asked for twice, it is the same tensor (tied weights).</summary>
    public Tensor Parameter(int index)
    {
        index += FirstParameter;
        var known = _parameterNodes[index];
        if (known >= 0) return new Tensor(this, known);
        var entry = Layout.Entries[index];
        ref var node = ref Append(Operation.Parameter, Shape.Of(entry.Shape), _parameters + entry.Offset);
        node.NeedsGradient = _gradient != null && entry.Role != ParameterRole.BatchNormStatistic;
        node.Option = index;
        _parameterNodes[index] = _count - 1;
        return new Tensor(this, _count - 1);
    }

    /// <summary>Copies a constant onto the tape.</summary>
    /// <param name="values">Row-major elements.</param>
    /// <param name="shape">Their shape.</param>
    /// <param name="needsGradient">Whether its gradient is wanted as well.</param>
    public Tensor Constant(ReadOnlySpan<float> values, Shape shape, bool needsGradient = false)
    {
        if (values.Length != shape.Length) throw new ArgumentException($"{values.Length} values do not fill the shape {shape}.", nameof(values));
        var memory = _arena.Take(values.Length);
        values.CopyTo(new Span<float>(memory, values.Length));
        ref var node = ref Append(Operation.Leaf, shape, memory);
        node.NeedsGradient = needsGradient && _gradient != null;
        return new Tensor(this, _count - 1);
    }

    /// <summary>Chosen rows of a matrix, copied in the order given.</summary>
    /// <param name="source">Shape [any, width], row-major.</param>
    /// <param name="width">Columns.</param>
    /// <param name="rows">Indices of the rows.</param>
    public Tensor Rows(ReadOnlySpan<float> source, int width, ReadOnlySpan<int> rows)
    {
        var shape = new Shape(rows.Length, width);
        var memory = _arena.Take(shape.Length);
        for (var i = 0; i < rows.Length; i++) source.Slice(rows[i] * width, width).CopyTo(new Span<float>(memory + (nint)i * width, width));
        Append(Operation.Leaf, shape, memory);
        return new Tensor(this, _count - 1);
    }

    /// <summary>A constant that the caller fills before it is used.</summary>
    internal Tensor Blank(Shape shape, out Span<float> values)
    {
        var memory = _arena.Take(shape.Length);
        values = new Span<float>(memory, checked((int)shape.Length));
        Append(Operation.Leaf, shape, memory);
        return new Tensor(this, _count - 1);
    }

    /// <summary>Memory that the caller keeps in place until the pass is over, used without a copy.</summary>
    internal Tensor External(float* values, Shape shape)
    {
        Append(Operation.Leaf, shape, values);
        return new Tensor(this, _count - 1);
    }

    /// <summary>Fills the flat gradient with the derivatives of a scalar by every parameter; those that it does not depend on get zero.</summary>
    public void Backward(Tensor loss)
    {
        if (SeedGradient(loss, 1))
        {
            for (var i = loss.Index; i >= 0; i--)
            {
                ref var node = ref _nodes[i];
                if (node.HasGradient && node.Operation > Operation.Parameter) DerivativeRules.Apply(this, ref node);
            }
        }
        ClearUntouched();
    }

    /// <summary>Above 0: the learning rate of a plain descent, which the way back may take itself where that spares it the memory of a large gradient. Set after each beginning.</summary>
    internal float DescentRate { get; set; }

    /// <summary>The parameter that has been moved already, by its place in the pass; −1: none. Its slice of the gradient holds nothing.</summary>
    internal int Descended { get; set; } = -1;

    /// <summary>Where the parameter that has been moved already lies in the flat vectors; without a length: none has been.</summary>
    internal (int Offset, int Length) DescendedSlice => Descended < 0 ? default : Layout.Entries[_nodes[Descended].Option] is var entry ? (entry.Offset, entry.Length) : default;

    /// <summary>Whether only one operation of this pass reads a value.</summary>
    internal bool IsReadOnce(int index)
    {
        var uses = 0;
        for (var i = 0; i < _count; i++) uses += (_nodes[i].A == index ? 1 : 0) + (_nodes[i].B == index ? 1 : 0) + (_nodes[i].C == index ? 1 : 0);
        return uses == 1;
    }

    /// <summary>Which operands the rules write to.</summary>
    internal GradientFlow Flow { get; set; }

    /// <summary>Gives the scalar at the end its own derivative, from which all others follow. False: nothing below it needs one.</summary>
    internal bool SeedGradient(Tensor loss, float value)
    {
        if (loss.Shape.Length != 1) throw new ArgumentException($"Only a scalar can be differentiated, not {loss.Shape}.", nameof(loss));
        if (_gradient == null) throw new InvalidOperationException("This pass was begun for values only.");
        ref var top = ref _nodes[loss.Index];
        if (!top.NeedsGradient) return false;
        top.Gradient = _arena.Take(1);
        *top.Gradient = value;
        top.HasGradient = true;
        return true;
    }

    /// <summary>Zeroes the gradient of every parameter that no rule has written to: the optimiser reads the whole vector.</summary>
    internal void ClearUntouched()
    {
        for (var p = 0; p < _parameterNodes.Length; p++)
        {
            var index = _parameterNodes[p];
            if (index >= 0 && _nodes[index].HasGradient) continue;
            var entry = Layout.Entries[p];
            new Span<float>(_gradient + entry.Offset, entry.Length).Clear();
        }
    }

    /// <summary>The first operation of this pass, forwards and then on the way back, with a value that is not finite; null: all are.</summary>
    public NonFiniteOperation? FirstNonFinite() => NonFiniteOperation.In(this, _count - 1);

    internal ref Node Node(int index) => ref _nodes[index];

    /// <summary>Where an operand's gradient goes; null when nothing below it needs one. <paramref name="accumulate"/>: something is there already.</summary>
    internal float* GradientOf(int index, out bool accumulate)
    {
        ref var node = ref _nodes[index];
        accumulate = node.HasGradient;
        if (!node.NeedsGradient || Flow == (node.Operation == Operation.Parameter ? GradientFlow.Values : GradientFlow.Parameters)) return null;
        if (!node.HasGradient)
        {
            node.Gradient = node.Operation == Operation.Parameter ? _gradient + Layout.Entries[node.Option].Offset : _arena.Take(node.Shape.Length);
            node.HasGradient = true;
        }
        return node.Gradient;
    }

    /// <summary>Lets an operand that has no gradient yet take over a node's, whose rule is done with it: no copy. False: the operand must be given its own.</summary>
    internal bool HandOn(ref Node node, int operand)
    {
        ref var below = ref _nodes[operand];
        // A leaf's gradient is read after the pass, and a parameter's lies in the flat vector.
        if (!below.NeedsGradient || below.HasGradient || below.Operation <= Operation.Parameter || Flow == GradientFlow.Parameters) return false;
        below.Gradient = node.Gradient;
        below.HasGradient = true;
        return true;
    }

    /// <summary>Lets two operands take over a node's gradient together, where the second is a plain dense layer whose rule comes next and only reads it: what
    /// is added to the first later, nobody else sees. That is the residual connection of a transformer. A layer that reads the first itself adds to it while it reads. False: they must be given their own.</summary>
    internal bool Share(ref Node node, int first, int next)
    {
        ref var dense = ref _nodes[next];
        if (Flow != GradientFlow.Everything || first == next || dense.A == first || dense.Operation != Operation.Dense || dense.Option != (int)Activation.Identity) return false;
        if (!dense.NeedsGradient || dense.HasGradient || !Unsafe.AreSame(ref _nodes[next + 1], ref node) || !HandOn(ref node, first)) return false;
        dense.Gradient = node.Gradient;
        dense.HasGradient = true;
        return true;
    }

    internal float* Take(nint length) => _arena.Take(length);

    /// <summary>Floats that passes have needed.</summary>
    internal nint Capacity => _arena.Capacity;

    /// <summary>Holds so many times what this pass took from the next one on, for passes whose number of rows varies.</summary>
    internal void Reserve(double times) => _arena.Reserve((nint)Math.Ceiling(_arena.Taken * times));

    internal bool Records => _gradient != null;

    /// <summary>Appends a node whose value lies at <paramref name="value"/>. The reference holds until the next one is appended.</summary>
    internal ref Node Append(Operation operation, Shape shape, float* value, int a = -1, int b = -1, int c = -1)
    {
        if (_count == _nodes.Length) Array.Resize(ref _nodes, _count * 2);
        ref var node = ref _nodes[_count++];
        node = default;
        node.Operation = operation;
        (node.A, node.B, node.C) = (a, b, c);
        node.Shape = shape;
        node.Value = value;
        node.NeedsGradient = (a >= 0 && _nodes[a].NeedsGradient) || (b >= 0 && _nodes[b].NeedsGradient) || (c >= 0 && _nodes[c].NeedsGradient);
        return ref node;
    }

    internal Tensor Last => new(this, _count - 1);

    private void Begin(float* parameters, float* gradient)
    {
        _arena.Reset();
        _count = 0;
        (DescentRate, Descended) = (0, -1);
        FirstParameter = 0; // a pass that threw may have left it
        _parameters = parameters;
        _gradient = gradient;
        _parameterNodes.AsSpan().Fill(-1);
    }

    private void Check(int length)
    {
        if (length != Layout.Length) throw new ArgumentException($"A vector of {length} floats does not fit a layout of {Layout.Length}.", nameof(length));
    }
}
