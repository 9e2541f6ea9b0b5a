using System.Runtime.CompilerServices;

namespace Comity.Tensors.Kernels;

/// <summary>Optimisers' update rules over a slice of the flat vector, each in one pass. Lengths need not be whole registers.</summary>
/// <remarks>Each tells whether the gradient was finite: seen in passing, which costs nothing where memory is what one waits for.</remarks>
internal static unsafe class Updates<TWide> where TWide : unmanaged, IWide<TWide>
{
    private interface IRule
    {
        void Apply(ref TWide parameter, TWide gradient, ref TWide first, ref TWide second);
    }

    // w ← w − η·g
    private readonly struct Descent(float rate) : IRule
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Apply(ref TWide parameter, TWide gradient, ref TWide first, ref TWide second) =>
            parameter = TWide.MultiplySubtractFrom(TWide.Create(rate), gradient, parameter);
    }

    // v ← ρv + g, w ← w − η·v
    private readonly struct Momentum(float rate, float momentum) : IRule
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Apply(ref TWide parameter, TWide gradient, ref TWide first, ref TWide second)
        {
            first = TWide.MultiplyAdd(TWide.Create(momentum), first, gradient);
            parameter = TWide.MultiplySubtractFrom(TWide.Create(rate), first, parameter);
        }
    }

    // v ← ρv + g, w ← w − η·(g + ρv)
    private readonly struct Nesterov(float rate, float momentum) : IRule
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Apply(ref TWide parameter, TWide gradient, ref TWide first, ref TWide second)
        {
            var rho = TWide.Create(momentum);
            first = TWide.MultiplyAdd(rho, first, gradient);
            parameter = TWide.MultiplySubtractFrom(TWide.Create(rate), TWide.MultiplyAdd(rho, first, gradient), parameter);
        }
    }

    // v ← αv + (1−α)g², w ← w − η·g/(√v + ε)
    private readonly struct RmsProp(float rate, float decay, float epsilon) : IRule
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Apply(ref TWide parameter, TWide gradient, ref TWide first, ref TWide second)
        {
            first = TWide.MultiplyAdd(TWide.Create(decay), first, TWide.Create(1 - decay) * gradient * gradient);
            parameter -= TWide.Create(rate) * gradient / (TWide.Sqrt(first) + TWide.Create(epsilon));
        }
    }

    // m ← β₁m + (1−β₁)g, v ← β₂v + (1−β₂)g², w ← w − step·m/(√v·c + ε)
    private readonly struct Adam(float step, float beta1, float beta2, float correction, float epsilon) : IRule
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Apply(ref TWide parameter, TWide gradient, ref TWide first, ref TWide second)
        {
            first = TWide.MultiplyAdd(TWide.Create(beta1), first, TWide.Create(1 - beta1) * gradient);
            second = TWide.MultiplyAdd(TWide.Create(beta2), second, TWide.Create(1 - beta2) * gradient * gradient);
            var move = TWide.Create(step) * first / TWide.MultiplyAdd(TWide.Sqrt(second), TWide.Create(correction), TWide.Create(epsilon));
            parameter -= move;
        }
    }

    // Four registers at a time, each with a watch of its own: a single one is a chain that takes longer than what it watches.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static bool RunDescent(float* w, float* g, nint n, float rate)
    {
        var lanes = TWide.Count;
        nint i = 0;
        TWide factor = TWide.Create(rate), s0 = TWide.Zero, s1 = TWide.Zero, s2 = TWide.Zero, s3 = TWide.Zero;
        for (; i + 4 * lanes <= n; i += 4 * lanes)
        {
            float* a = w + i, b = g + i;
            TWide g0 = TWide.Load(b), g1 = TWide.Load(b + lanes), g2 = TWide.Load(b + 2 * lanes), g3 = TWide.Load(b + 3 * lanes);
            s0 = TWide.MultiplyAdd(g0, TWide.Zero, s0);
            s1 = TWide.MultiplyAdd(g1, TWide.Zero, s1);
            s2 = TWide.MultiplyAdd(g2, TWide.Zero, s2);
            s3 = TWide.MultiplyAdd(g3, TWide.Zero, s3);
            TWide.Store(TWide.MultiplySubtractFrom(factor, g0, TWide.Load(a)), a);
            TWide.Store(TWide.MultiplySubtractFrom(factor, g1, TWide.Load(a + lanes)), a + lanes);
            TWide.Store(TWide.MultiplySubtractFrom(factor, g2, TWide.Load(a + 2 * lanes)), a + 2 * lanes);
            TWide.Store(TWide.MultiplySubtractFrom(factor, g3, TWide.Load(a + 3 * lanes)), a + 3 * lanes);
        }
        var finite = TWide.Sum(s0 + s1 + (s2 + s3)) == 0;
        return Run(new Descent(rate), w + i, g + i, null, null, n - i) && finite;
    }

    public static bool RunMomentum(float* w, float* g, float* v, nint n, float rate, float momentum) => Run(new Momentum(rate, momentum), w, g, v, null, n);

    public static bool RunNesterov(float* w, float* g, float* v, nint n, float rate, float momentum) => Run(new Nesterov(rate, momentum), w, g, v, null, n);

    public static bool RunRmsProp(float* w, float* g, float* v, nint n, float rate, float decay, float epsilon) => Run(new RmsProp(rate, decay, epsilon), w, g, v, null, n);

    public static bool RunAdam(float* w, float* g, float* m, float* v, nint n, float step, float beta1, float beta2, float correction, float epsilon) =>
        Run(new Adam(step, beta1, beta2, correction, epsilon), w, g, m, v, n);

    [MethodImpl(MethodImplOptions.AggressiveOptimization), SkipLocalsInit]
    private static bool Run<TRule>(TRule rule, float* w, float* g, float* first, float* second, nint n) where TRule : struct, IRule
    {
        var lanes = TWide.Count;
        nint i = 0;
        var seen = TWide.Zero; // Σ 0·g: zero, or no number once a gradient is not finite
        for (; i + lanes <= n; i += lanes)
        {
            seen = TWide.MultiplyAdd(TWide.Load(g + i), TWide.Zero, seen);
            One(rule, w + i, g + i, first == null ? null : first + i, second == null ? null : second + i);
        }
        var finite = TWide.Sum(seen) == 0;
        if (i == n) return finite;
        float* pw = stackalloc float[16], pg = stackalloc float[16], pf = stackalloc float[16], ps = stackalloc float[16];
        TWide.Store(TWide.Zero, pw);
        TWide.Store(TWide.Zero, pg);
        TWide.Store(TWide.Zero, pf);
        TWide.Store(TWide.Zero, ps);
        for (var j = i; j < n; j++)
        {
            (pw[j - i], pg[j - i]) = (w[j], g[j]);
            if (first != null) pf[j - i] = first[j];
            if (second != null) ps[j - i] = second[j];
        }
        One(rule, pw, pg, first == null ? null : pf, second == null ? null : ps);
        for (var j = i; j < n; j++)
        {
            finite &= float.IsFinite(g[j]);
            w[j] = pw[j - i];
            if (first != null) first[j] = pf[j - i];
            if (second != null) second[j] = ps[j - i];
        }
        return finite;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void One<TRule>(TRule rule, float* w, float* g, float* first, float* second) where TRule : struct, IRule
    {
        var parameter = TWide.Load(w);
        var m = first == null ? TWide.Zero : TWide.Load(first);
        var v = second == null ? TWide.Zero : TWide.Load(second);
        rule.Apply(ref parameter, TWide.Load(g), ref m, ref v);
        TWide.Store(parameter, w);
        if (first != null) TWide.Store(m, first);
        if (second != null) TWide.Store(v, second);
    }
}
