using Comity.Tensors.Kernels;
using Comity.Tensors.Memory;

namespace Comity.Learning.Training.Optimizers;

/// <summary>Turns gradients into steps over the flat vector; holds its state for one run.</summary>
internal abstract unsafe class Optimizer(KernelSet kernels)
{
    protected KernelSet Kernels { get; } = kernels;

    /// <summary>Whether weight decay is applied to the weights directly rather than through the gradient.</summary>
    public virtual bool DecouplesDecay => false;

    /// <summary>Forgets the past.</summary>
    public abstract void Reset();

    /// <summary>What it remembers, shape [P] each: with <see cref="Numbers"/> all that a checkpoint needs.</summary>
    public virtual IReadOnlyList<AlignedBuffer> Memory => [];

    /// <summary>The numbers it remembers.</summary>
    public virtual double[] Numbers
    {
        get => [];
        set { }
    }

    /// <summary>Begins a run.</summary>
    /// <param name="state">What <see cref="State"/> gave at the end of an earlier one; empty: it forgets the past.</param>
    /// <exception cref="ArgumentException">It is of another optimiser or model.</exception>
    public void Begin(IReadOnlyList<ReadOnlyMemory<float>> state)
    {
        Reset();
        if (state.Count == 0) return;
        var (memory, numbers) = (Memory, Numbers);
        var vectors = memory.Count + (numbers.Length > 0 ? 1 : 0);
        if (state.Count != vectors || memory.Where((m, i) => m.Length != state[i].Length).Any() || (numbers.Length > 0 && state[^1].Length != numbers.Length))
            throw new ArgumentException($"A state of {state.Count} vectors is not of this optimiser and model, which have {vectors}.", nameof(state));
        for (var i = 0; i < memory.Count; i++) state[i].Span.CopyTo(memory[i].Span);
        if (numbers.Length == 0) return;
        for (var i = 0; i < numbers.Length; i++) numbers[i] = state[^1].Span[i];
        Numbers = numbers;
    }

    /// <summary>What a later run can begin with: <see cref="Memory"/>, and <see cref="Numbers"/> in single precision as a last vector.</summary>
    /// <param name="lend">Lends a vector of that many floats.</param>
    public IReadOnlyList<ReadOnlyMemory<float>> State(Func<int, Memory<float>> lend)
    {
        var state = new List<ReadOnlyMemory<float>>();
        foreach (var memory in Memory)
        {
            var copy = lend(memory.Length);
            memory.Span.CopyTo(copy.Span);
            state.Add(copy);
        }
        if (Numbers is { Length: > 0 } numbers)
        {
            var copy = lend(numbers.Length);
            for (var i = 0; i < numbers.Length; i++) copy.Span[i] = (float)numbers[i];
            state.Add(copy);
        }
        return state;
    }

    /// <returns>Whether the gradient was finite; if not, the parameters are of no use any more.</returns>
    public abstract bool Step(AlignedBuffer parameters, AlignedBuffer gradient, float rate);

    /// <summary>The sum of coefficients that a gradient of 1 in each step would have entered with (FedNova); null: not defined (adaptive).</summary>
    /// <param name="gradient">The coefficient with which this step's gradient counts.</param>
    public virtual double? Coefficient(double gradient) => null;

    public static Optimizer Create(OptimizerSection section, KernelSet kernels, int length) => section switch
    {
        SgdSection => new Sgd(kernels),
        MomentumSection s => new Momentum(kernels, length, (float)s.Momentum),
        NesterovSection s => new Nesterov(kernels, length, (float)s.Momentum),
        RmsPropSection s => new RmsProp(kernels, length, s),
        AdamSection s => new Adam(kernels, length, s.Beta1, s.Beta2, s.Epsilon, decouples: false),
        AdamWSection s => new Adam(kernels, length, s.Beta1, s.Beta2, s.Epsilon, decouples: true),
        _ => throw new ArgumentException($"{section.GetType().Name} takes no steps from single gradients.", nameof(section)),
    };
}

internal sealed unsafe class Sgd(KernelSet kernels) : Optimizer(kernels)
{
    public override void Reset()
    {
    }

    public override bool Step(AlignedBuffer parameters, AlignedBuffer gradient, float rate) =>
        Kernels.Descent(parameters.Pointer, gradient.Pointer, parameters.Length, rate);

    /// <summary>The step of all parameters but a slice that has taken its own.</summary>
    /// <returns>Whether the gradient was finite.</returns>
    public bool StepBeside((int Offset, int Length) taken, AlignedBuffer parameters, AlignedBuffer gradient, float rate)
    {
        var end = taken.Offset + taken.Length;
        return Kernels.Descent(parameters.Pointer, gradient.Pointer, taken.Offset, rate)
            & Kernels.Descent(parameters.Pointer + end, gradient.Pointer + end, parameters.Length - end, rate);
    }

    public override double? Coefficient(double gradient) => gradient;
}

internal sealed unsafe class Momentum(KernelSet kernels, int length, float momentum) : Optimizer(kernels)
{
    private readonly AlignedBuffer _velocity = new(length);
    private double _coefficient;

    public override IReadOnlyList<AlignedBuffer> Memory => [_velocity];

    public override double[] Numbers
    {
        get => [_coefficient];
        set => _coefficient = value[0];
    }

    public override void Reset()
    {
        _velocity.Span.Clear();
        _coefficient = 0;
    }

    public override bool Step(AlignedBuffer parameters, AlignedBuffer gradient, float rate) =>
        Kernels.Momentum(parameters.Pointer, gradient.Pointer, _velocity.Pointer, parameters.Length, rate, momentum);

    public override double? Coefficient(double gradient) => _coefficient = momentum * _coefficient + gradient;
}

internal sealed unsafe class Nesterov(KernelSet kernels, int length, float momentum) : Optimizer(kernels)
{
    private readonly AlignedBuffer _velocity = new(length);
    private double _coefficient;

    public override IReadOnlyList<AlignedBuffer> Memory => [_velocity];

    public override double[] Numbers
    {
        get => [_coefficient];
        set => _coefficient = value[0];
    }

    public override void Reset()
    {
        _velocity.Span.Clear();
        _coefficient = 0;
    }

    public override bool Step(AlignedBuffer parameters, AlignedBuffer gradient, float rate) =>
        Kernels.Nesterov(parameters.Pointer, gradient.Pointer, _velocity.Pointer, parameters.Length, rate, momentum);

    public override double? Coefficient(double gradient)
    {
        _coefficient = momentum * _coefficient + gradient;
        return gradient + momentum * _coefficient;
    }
}

internal sealed unsafe class RmsProp(KernelSet kernels, int length, RmsPropSection section) : Optimizer(kernels)
{
    private readonly AlignedBuffer _square = new(length);

    public override IReadOnlyList<AlignedBuffer> Memory => [_square];

    public override void Reset() => _square.Span.Clear();

    public override bool Step(AlignedBuffer parameters, AlignedBuffer gradient, float rate) =>
        Kernels.RmsProp(parameters.Pointer, gradient.Pointer, _square.Pointer, parameters.Length, rate, (float)section.Decay, (float)section.Epsilon);
}

internal sealed unsafe class Adam(KernelSet kernels, int length, double beta1, double beta2, double epsilon, bool decouples) : Optimizer(kernels)
{
    private readonly AlignedBuffer _first = new(length);
    private readonly AlignedBuffer _second = new(length);
    private double _power1 = 1;
    private double _power2 = 1;

    public override bool DecouplesDecay => decouples;

    public override IReadOnlyList<AlignedBuffer> Memory => [_first, _second];

    public override double[] Numbers
    {
        get => [_power1, _power2];
        set => (_power1, _power2) = (value[0], value[1]);
    }

    public override void Reset()
    {
        _first.Span.Clear();
        _second.Span.Clear();
        (_power1, _power2) = (1, 1);
    }

    public override bool Step(AlignedBuffer parameters, AlignedBuffer gradient, float rate)
    {
        // β₁ᵗ and β₂ᵗ as running products: the same bits everywhere, which pow does not promise.
        (_power1, _power2) = (_power1 * beta1, _power2 * beta2);
        return Kernels.Adam(parameters.Pointer, gradient.Pointer, _first.Pointer, _second.Pointer, parameters.Length,
            (float)(rate / (1 - _power1)), (float)beta1, (float)beta2, (float)(1 / Math.Sqrt(1 - _power2)), (float)epsilon);
    }
}
