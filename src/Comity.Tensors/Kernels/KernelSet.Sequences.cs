using Comity.Tensors.Memory;

namespace Comity.Tensors.Kernels;

/// <summary>Kernels of sequences: norms over a row, gathering, attention, recurrence.</summary>
public abstract unsafe partial class KernelSet
{
    internal abstract void LayerNorm(float* x, float* scale, float* shift, float* y, float* mean, float* inverse, int rows, int n);

    internal abstract void LayerNormRule(float* x, float* scale, float* mean, float* inverse, float* gradient, float* dx, float* dScale, float* dShift, int rows, int n, bool accumulate);

    internal abstract void RmsNorm(float* x, float* scale, float* y, float* inverse, int rows, int n);

    internal abstract void RmsNormRule(float* x, float* scale, float* inverse, float* gradient, float* dx, float* dScale, int rows, int n, bool accumulate);

    internal abstract void SwiGlu(float* x, float* y, int rows, int n);

    internal abstract void SwiGluRule(float* x, float* gradient, float* dx, int rows, int n, bool accumulate);

    /// <summary>y[i] = x[rows[i]], rows of n.</summary>
    internal abstract void Gather(float* x, int* rows, int count, int n, float* y);

    /// <summary>y[rows[i]] += x[i], in the order of i.</summary>
    internal abstract void Scatter(float* x, int* rows, int count, int n, float* y);

    /// <summary>Turns the pairs (x[j], x[j + d/2]) by angles whose cosines and then sines are given.</summary>
    internal abstract void Turn(float* x, float* turns, int d);

    internal abstract void Attend(in AttentionShape shape, float* qkv, float* output, float* logSums);

    internal abstract void AttendRule(in AttentionShape shape, float* qkv, float* output, float* logSums, float* gradient, float* target, bool accumulate);

    internal abstract void Recur(in RecurrentShape shape, float* input, float* weight, float* bias, float* state, float* cell, float* kept);

    internal abstract void RecurRule(in RecurrentShape shape, float* weight, float* state, float* cell, float* kept, float* gradient, float* dInput, float* dProduct);
}

/// <summary>Binds the kernels of sequences to a width.</summary>
internal sealed unsafe partial class KernelSet<TWide>
{
    internal override void LayerNormRule(float* x, float* scale, float* mean, float* inverse, float* gradient, float* dx, float* dScale, float* dShift, int rows, int n, bool accumulate) =>
        NormKernels<TWide>.LayerRule(x, scale, mean, inverse, gradient, dx, dScale, dShift, rows, n, accumulate);

    internal override void RmsNormRule(float* x, float* scale, float* inverse, float* gradient, float* dx, float* dScale, int rows, int n, bool accumulate) =>
        NormKernels<TWide>.RmsRule(x, scale, inverse, gradient, dx, dScale, rows, n, accumulate);

    private static void Gated(float* x, float* y, int rows, int n)
    {
        for (nint i = 0; i < rows; i++) Elementwise<TWide>.Zip(default(Gate), x + 2 * i * n, x + 2 * i * n + n, y + i * n, n);
    }

    private static void GatedRule(float* x, float* gradient, float* dx, int rows, int n, bool accumulate)
    {
        var share = Scratch.OfThread.Work(n);
        for (nint i = 0; i < rows; i++)
        {
            float* a = x + 2 * i * n, b = a + n, g = gradient + i * n, da = dx + 2 * i * n;
            Elementwise<TWide>.Zip(default(Operators<TWide>.Multiply), g, b, share, n);
            Rule(default(GateRule), a, share, da, n, accumulate);
            Rule(default(Gate), a, g, da + n, n, accumulate);
        }
    }

    internal override void Gather(float* x, int* rows, int count, int n, float* y)
    {
        for (nint i = 0; i < count; i++) Buffer.MemoryCopy(x + (nint)rows[i] * n, y + i * n, n * sizeof(float), n * sizeof(float));
    }

    internal override void Scatter(float* x, int* rows, int count, int n, float* y)
    {
        for (nint i = 0; i < count; i++)
        {
            var target = y + (nint)rows[i] * n;
            Elementwise<TWide>.Zip(default(Operators<TWide>.Add), x + i * n, target, target, n);
        }
    }

    internal override void Turn(float* x, float* turns, int d) => Attention<TWide>.Turn(x, turns, d, 1);

    internal override void Recur(in RecurrentShape shape, float* input, float* weight, float* bias, float* state, float* cell, float* kept)
    {
        switch (shape.Kind)
        {
            case RecurrentKind.Lstm: Recurrence<TWide, LstmCell>.Run(shape, input, weight, bias, state, cell, kept); break;
            case RecurrentKind.Gru: Recurrence<TWide, GruCell>.Run(shape, input, weight, bias, state, cell, kept); break;
            default: Recurrence<TWide, RnnCell>.Run(shape, input, weight, bias, state, cell, kept); break;
        }
    }

    internal override void RecurRule(in RecurrentShape shape, float* weight, float* state, float* cell, float* kept, float* gradient, float* dInput, float* dProduct)
    {
        switch (shape.Kind)
        {
            case RecurrentKind.Lstm: Recurrence<TWide, LstmCell>.Rule(shape, weight, state, cell, kept, gradient, dInput, dProduct); break;
            case RecurrentKind.Gru: Recurrence<TWide, GruCell>.Rule(shape, weight, state, cell, kept, gradient, dInput, dProduct); break;
            default: Recurrence<TWide, RnnCell>.Rule(shape, weight, state, cell, kept, gradient, dInput, dProduct); break;
        }
    }

    // silu(a)·b
    private readonly struct Gate : IBinary<TWide>
    {
        [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.AggressiveInlining)]
        public TWide Apply(TWide x, TWide y) => x * WideMath<TWide>.Sigmoid(x) * y;
    }

    // silu′(a)·y = σ·(1 + a·(1 − σ))·y
    private readonly struct GateRule : IBinary<TWide>
    {
        [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.AggressiveInlining)]
        public TWide Apply(TWide x, TWide y)
        {
            var sigma = WideMath<TWide>.Sigmoid(x);
            return sigma * TWide.MultiplyAdd(x, TWide.Create(1) - sigma, TWide.Create(1)) * y;
        }
    }
}
