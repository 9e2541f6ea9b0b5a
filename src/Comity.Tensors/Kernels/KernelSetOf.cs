using Comity.Tensors.Threading;

namespace Comity.Tensors.Kernels;

/// <summary>Binds <see cref="KernelSet"/> to a width.</summary>
internal sealed unsafe partial class KernelSet<TWide>(VectorWidth width, Team? team) : KernelSet where TWide : unmanaged, IWide<TWide>
{
    public override VectorWidth Width => width;

    public override KernelSet With(Team? other) => new KernelSet<TWide>(width, other);

    private static void ApplyTo(Function function, float* x, float* y, nint n)
    {
        switch (function)
        {
            case Function.Identity: if (x != y) Buffer.MemoryCopy(x, y, n * sizeof(float), n * sizeof(float)); break;
            case Function.Relu: Elementwise<TWide>.Map(default(Operators<TWide>.Relu), x, y, n); break;
            case Function.LeakyRelu: Elementwise<TWide>.Map(default(Operators<TWide>.LeakyRelu), x, y, n); break;
            case Function.Elu: Elementwise<TWide>.Map(default(Operators<TWide>.Elu), x, y, n); break;
            case Function.Gelu: Elementwise<TWide>.Map(default(Operators<TWide>.Gelu), x, y, n); break;
            case Function.Sigmoid: Elementwise<TWide>.Map(default(Operators<TWide>.Sigmoid), x, y, n); break;
            case Function.Tanh: Elementwise<TWide>.Map(default(Operators<TWide>.Tanh), x, y, n); break;
            case Function.Exp: Elementwise<TWide>.Map(default(Operators<TWide>.Exp), x, y, n); break;
            case Function.Log: Elementwise<TWide>.Map(default(Operators<TWide>.Log), x, y, n); break;
            case Function.Erf: Elementwise<TWide>.Map(default(Operators<TWide>.Erf), x, y, n); break;
            default: throw new ArgumentOutOfRangeException(nameof(function), function, null);
        }
    }

    /// <summary>The activation of a product's values; where they go elsewhere, gelu's derivative takes their place.</summary>
    internal static void PassActivation(Function function, float* x, float* y, nint n)
    {
        if (function == Function.Gelu && x != y) Elementwise<TWide>.GeluAndRule(x, y, n);
        else ApplyTo(function, x, y, n);
    }

    /// <summary>The rule of an activation, which for gelu reads the derivative itself.</summary>
    internal static void PassRule(Function function, float* saved, float* gradient, nint n)
    {
        if (function == Function.Gelu) Elementwise<TWide>.Zip(default(Operators<TWide>.Multiply), saved, gradient, gradient, n);
        else ApplyRuleTo(function, saved, gradient, gradient, n, false);
    }

    private static void ApplyRuleTo(Function function, float* saved, float* gradient, float* target, nint n, bool accumulate)
    {
        switch (function)
        {
            case Function.Identity:
                if (accumulate) Elementwise<TWide>.Zip(new Operators<TWide>.AddScaled(1), gradient, target, target, n);
                else if (gradient != target) Buffer.MemoryCopy(gradient, target, n * sizeof(float), n * sizeof(float));
                break;
            case Function.Relu: Rule(default(Operators<TWide>.ReluRule), saved, gradient, target, n, accumulate); break;
            case Function.LeakyRelu: Rule(default(Operators<TWide>.LeakyReluRule), saved, gradient, target, n, accumulate); break;
            case Function.Elu: Rule(default(Operators<TWide>.EluRule), saved, gradient, target, n, accumulate); break;
            case Function.Gelu: Rule(default(Operators<TWide>.GeluRule), saved, gradient, target, n, accumulate); break;
            case Function.Sigmoid: Rule(default(Operators<TWide>.SigmoidRule), saved, gradient, target, n, accumulate); break;
            case Function.Tanh: Rule(default(Operators<TWide>.TanhRule), saved, gradient, target, n, accumulate); break;
            case Function.Exp: Rule(default(Operators<TWide>.ExpRule), saved, gradient, target, n, accumulate); break;
            case Function.Log: Rule(default(Operators<TWide>.LogRule), saved, gradient, target, n, accumulate); break;
            default: throw new ArgumentOutOfRangeException(nameof(function), function, null);
        }
    }

    internal override void Subtract(float* x, float* y, float* z, nint n) => Elementwise<TWide>.Zip(default(Operators<TWide>.Subtract), x, y, z, n);

    internal override void Divide(float* x, float* y, float* z, nint n) => Elementwise<TWide>.Zip(default(Operators<TWide>.Divide), x, y, z, n);

    internal override double Dot(float* x, float* y, nint n) => RowKernels<TWide>.Dot(x, y, n);

    internal override float Total(float* x, int n) => RowKernels<TWide>.Total(x, n);

    internal override void Softmax(float* x, float* y, int rows, int columns) => RowKernels<TWide>.Softmax(x, y, rows, columns);

    internal override void SigmoidCrossEntropy(float* z, float* target, float* weight, float* loss, float* derivative, int rows) =>
        RowKernels<TWide>.SigmoidCrossEntropy(z, target, weight, loss, derivative, rows);

    internal override bool IsAlone => team is null;

    internal override bool Descent(float* w, float* g, nint n, float rate) => Updates<TWide>.RunDescent(w, g, n, rate);

    internal override bool Momentum(float* w, float* g, float* v, nint n, float rate, float momentum) => Updates<TWide>.RunMomentum(w, g, v, n, rate, momentum);

    internal override bool Nesterov(float* w, float* g, float* v, nint n, float rate, float momentum) => Updates<TWide>.RunNesterov(w, g, v, n, rate, momentum);

    internal override bool RmsProp(float* w, float* g, float* v, nint n, float rate, float decay, float epsilon) => Updates<TWide>.RunRmsProp(w, g, v, n, rate, decay, epsilon);

    private static void Rule<TOperator>(TOperator f, float* x, float* y, float* z, nint n, bool accumulate) where TOperator : struct, IBinary<TWide>
    {
        if (accumulate) Elementwise<TWide>.ZipAdd(f, x, y, z, n);
        else Elementwise<TWide>.Zip(f, x, y, z, n);
    }
}
