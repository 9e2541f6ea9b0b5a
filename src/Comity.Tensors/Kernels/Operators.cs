using System.Runtime.CompilerServices;

namespace Comity.Tensors.Kernels;

/// <summary>The operators of <see cref="Elementwise{TWide}"/>.</summary>
internal static class Operators<TWide> where TWide : unmanaged, IWide<TWide>
{
    public readonly struct Exp : IUnary<TWide>
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public TWide Apply(TWide x) => WideMath<TWide>.Exp(x);
    }

    public readonly struct Log : IUnary<TWide>
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public TWide Apply(TWide x) => WideMath<TWide>.Log(x);
    }

    public readonly struct Erf : IUnary<TWide>
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public TWide Apply(TWide x) => WideMath<TWide>.Erf(x);
    }

    public readonly struct Relu : IUnary<TWide>
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public TWide Apply(TWide x) => TWide.Max(TWide.Zero, x);
    }

    public readonly struct LeakyRelu : IUnary<TWide>
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public TWide Apply(TWide x) => TWide.Select(TWide.GreaterThan(TWide.Zero, x), x * TWide.Create(0.01f), x);
    }

    public readonly struct Elu : IUnary<TWide>
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public TWide Apply(TWide x) => TWide.Select(TWide.GreaterThan(TWide.Zero, x), WideMath<TWide>.Exp(x) - TWide.Create(1), x);
    }

    public readonly struct Gelu : IUnary<TWide>
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public TWide Apply(TWide x) => x * WideMath<TWide>.Normal(x, out _);
    }

    public readonly struct Sigmoid : IUnary<TWide>
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public TWide Apply(TWide x) => WideMath<TWide>.Sigmoid(x);
    }

    public readonly struct Tanh : IUnary<TWide>
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public TWide Apply(TWide x) => WideMath<TWide>.Tanh(x);
    }

    /// <summary>a·x + b.</summary>
    public readonly struct Affine(float a, float b) : IUnary<TWide>
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public TWide Apply(TWide x) => TWide.MultiplyAdd(TWide.Create(a), x, TWide.Create(b));
    }

    public readonly struct Add : IBinary<TWide>
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public TWide Apply(TWide x, TWide y) => x + y;
    }

    public readonly struct Subtract : IBinary<TWide>
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public TWide Apply(TWide x, TWide y) => x - y;
    }

    public readonly struct Multiply : IBinary<TWide>
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public TWide Apply(TWide x, TWide y) => x * y;
    }

    /// <summary>x / y.</summary>
    public readonly struct Divide : IBinary<TWide>
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public TWide Apply(TWide x, TWide y) => x / y;
    }

    /// <summary>y + a·x.</summary>
    public readonly struct AddScaled(float a) : IBinary<TWide>
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public TWide Apply(TWide x, TWide y) => TWide.MultiplyAdd(TWide.Create(a), x, y);
    }

    // Derivatives. x is what the function got (gelu) or gave (the others), y the gradient that arrives.

    public readonly struct ReluRule : IBinary<TWide>
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public TWide Apply(TWide x, TWide y) => TWide.Select(TWide.GreaterThan(x, TWide.Zero), y, TWide.Zero);
    }

    public readonly struct LeakyReluRule : IBinary<TWide>
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public TWide Apply(TWide x, TWide y) => TWide.Select(TWide.GreaterThan(x, TWide.Zero), y, y * TWide.Create(0.01f));
    }

    public readonly struct EluRule : IBinary<TWide>
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public TWide Apply(TWide x, TWide y) => TWide.Select(TWide.GreaterThan(x, TWide.Zero), y, y * (x + TWide.Create(1)));
    }

    public readonly struct GeluRule : IBinary<TWide>
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public TWide Apply(TWide x, TWide y)
        {
            var share = WideMath<TWide>.Normal(x, out var density);
            return y * TWide.MultiplyAdd(x, density, share);
        }
    }

    public readonly struct SigmoidRule : IBinary<TWide>
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public TWide Apply(TWide x, TWide y) => y * (x * (TWide.Create(1) - x));
    }

    public readonly struct TanhRule : IBinary<TWide>
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public TWide Apply(TWide x, TWide y) => y * TWide.MultiplySubtractFrom(x, x, TWide.Create(1));
    }

    /// <summary>The derivative of eˣ from its value: x·y.</summary>
    public readonly struct ExpRule : IBinary<TWide>
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public TWide Apply(TWide x, TWide y) => x * y;
    }

    /// <summary>The derivative of ln x: y/x.</summary>
    public readonly struct LogRule : IBinary<TWide>
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public TWide Apply(TWide x, TWide y) => y / x;
    }
}
