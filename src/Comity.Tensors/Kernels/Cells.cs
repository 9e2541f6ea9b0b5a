using System.Runtime.CompilerServices;

namespace Comity.Tensors.Kernels;

/// <summary>What a recurrent layer does at one step with one register of hidden values. Gates of a row stand one after another, each of H values.</summary>
internal unsafe interface ICell
{
    /// <summary>Blocks of H values in a row of the input.</summary>
    static abstract int Gates { get; }

    /// <summary>Blocks of H values that the derivative needs of each step.</summary>
    static abstract int Kept { get; }

    /// <summary>Whether there is a cell state besides the hidden one.</summary>
    static abstract bool HasCell { get; }

    /// <summary>Whether the derivative by the product with the weights differs from that by the input.</summary>
    static abstract bool SplitsProduct { get; }

    /// <summary>The state after a step.</summary>
    static abstract void Forward<TWide>(int n, in CellRow row) where TWide : unmanaged, IWide<TWide>;

    /// <summary>From ∂L/∂h and ∂L/∂c after a step to the derivatives by input and product, and what flows to the step before without passing the weights.</summary>
    static abstract void Backward<TWide>(int n, in CellRow row) where TWide : unmanaged, IWide<TWide>;
}

/// <summary>Addresses of one sequence at one step, moved to the register's first value.</summary>
/// <param name="Input">What came from below; in the derivative where ∂input goes.</param>
/// <param name="Product">W·h′ + b; in the derivative where ∂product goes.</param>
/// <param name="Kept">What the derivative needs.</param>
/// <param name="Before">h′, the state before.</param>
/// <param name="State">h; in the derivative ∂L/∂h, overwritten by what flows on.</param>
/// <param name="CellBefore">c′.</param>
/// <param name="Cell">c; in the derivative ∂L/∂c, overwritten by ∂L/∂c′.</param>
internal readonly unsafe record struct CellRow(nint Input, nint Product, nint Kept, nint Before, nint State, nint CellBefore, nint Cell)
{
    public CellRow At(int j) => new(Input + Bytes(j), Product + Bytes(j), Kept + Bytes(j), Before + Bytes(j), State + Bytes(j), CellBefore + Bytes(j), Cell + Bytes(j));

    private static nint Bytes(int j) => (nint)j * sizeof(float);
}

/// <summary>h = tanh(x + p).</summary>
internal readonly unsafe struct RnnCell : ICell
{
    public static int Gates => 1;

    public static int Kept => 1;

    public static bool HasCell => false;

    public static bool SplitsProduct => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Forward<TWide>(int n, in CellRow row) where TWide : unmanaged, IWide<TWide>
    {
        var h = WideMath<TWide>.Tanh(TWide.Load((float*)row.Input) + TWide.Load((float*)row.Product));
        TWide.Store(h, (float*)row.Kept);
        TWide.Store(h, (float*)row.State);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Backward<TWide>(int n, in CellRow row) where TWide : unmanaged, IWide<TWide>
    {
        var h = TWide.Load((float*)row.Kept);
        TWide.Store(TWide.Load((float*)row.State) * TWide.MultiplySubtractFrom(h, h, TWide.Create(1)), (float*)row.Product);
        TWide.Store(TWide.Zero, (float*)row.State);
    }
}

/// <summary>Gates r, z, n: r = σ(xᵣ + pᵣ), z = σ(x_z + p_z), n = tanh(xₙ + r·pₙ), h = n + z·(h′ − n). Kept: r, z, n, pₙ.</summary>
internal readonly unsafe struct GruCell : ICell
{
    public static int Gates => 3;

    public static int Kept => 4;

    public static bool HasCell => false;

    public static bool SplitsProduct => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Forward<TWide>(int n, in CellRow row) where TWide : unmanaged, IWide<TWide>
    {
        float* x = (float*)row.Input, p = (float*)row.Product, kept = (float*)row.Kept;
        var r = WideMath<TWide>.Sigmoid(TWide.Load(x) + TWide.Load(p));
        var z = WideMath<TWide>.Sigmoid(TWide.Load(x + n) + TWide.Load(p + n));
        var product = TWide.Load(p + 2 * n);
        var candidate = WideMath<TWide>.Tanh(TWide.MultiplyAdd(r, product, TWide.Load(x + 2 * n)));
        TWide.Store(r, kept);
        TWide.Store(z, kept + n);
        TWide.Store(candidate, kept + 2 * n);
        TWide.Store(product, kept + 3 * n);
        TWide.Store(TWide.MultiplyAdd(z, TWide.Load((float*)row.Before) - candidate, candidate), (float*)row.State);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Backward<TWide>(int n, in CellRow row) where TWide : unmanaged, IWide<TWide>
    {
        float* dx = (float*)row.Input, dp = (float*)row.Product, kept = (float*)row.Kept;
        TWide one = TWide.Create(1), dh = TWide.Load((float*)row.State);
        TWide r = TWide.Load(kept), z = TWide.Load(kept + n), candidate = TWide.Load(kept + 2 * n);
        var dz = dh * (TWide.Load((float*)row.Before) - candidate) * (z * (one - z));
        var dn = dh * (one - z) * TWide.MultiplySubtractFrom(candidate, candidate, one);
        var dr = dn * TWide.Load(kept + 3 * n) * (r * (one - r));
        TWide.Store(dr, dx);
        TWide.Store(dz, dx + n);
        TWide.Store(dn, dx + 2 * n);
        TWide.Store(dr, dp);
        TWide.Store(dz, dp + n);
        TWide.Store(dn * r, dp + 2 * n);
        TWide.Store(dh * z, (float*)row.State);
    }
}

/// <summary>Gates i, f, g, o: c = σ(f)·c′ + σ(i)·tanh(g), h = σ(o)·tanh(c). Kept: the four gates and tanh(c).</summary>
internal readonly unsafe struct LstmCell : ICell
{
    public static int Gates => 4;

    public static int Kept => 5;

    public static bool HasCell => true;

    public static bool SplitsProduct => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Forward<TWide>(int n, in CellRow row) where TWide : unmanaged, IWide<TWide>
    {
        float* x = (float*)row.Input, p = (float*)row.Product, kept = (float*)row.Kept;
        var i = WideMath<TWide>.Sigmoid(TWide.Load(x) + TWide.Load(p));
        TWide.Store(i, kept);
        var f = WideMath<TWide>.Sigmoid(TWide.Load(x + n) + TWide.Load(p + n));
        TWide.Store(f, kept + n);
        var g = WideMath<TWide>.Tanh(TWide.Load(x + 2 * n) + TWide.Load(p + 2 * n));
        TWide.Store(g, kept + 2 * n);
        var c = TWide.MultiplyAdd(f, TWide.Load((float*)row.CellBefore), i * g);
        TWide.Store(c, (float*)row.Cell);
        var o = WideMath<TWide>.Sigmoid(TWide.Load(x + 3 * n) + TWide.Load(p + 3 * n));
        TWide.Store(o, kept + 3 * n);
        var squashed = WideMath<TWide>.Tanh(c);
        TWide.Store(squashed, kept + 4 * n);
        TWide.Store(o * squashed, (float*)row.State);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Backward<TWide>(int n, in CellRow row) where TWide : unmanaged, IWide<TWide>
    {
        float* d = (float*)row.Product, kept = (float*)row.Kept;
        TWide one = TWide.Create(1), dh = TWide.Load((float*)row.State);
        TWide i = TWide.Load(kept), f = TWide.Load(kept + n), g = TWide.Load(kept + 2 * n), o = TWide.Load(kept + 3 * n), squashed = TWide.Load(kept + 4 * n);
        var dc = TWide.MultiplyAdd(dh * o, TWide.MultiplySubtractFrom(squashed, squashed, one), TWide.Load((float*)row.Cell));
        TWide.Store(dc * g * (i * (one - i)), d);
        TWide.Store(dc * TWide.Load((float*)row.CellBefore) * (f * (one - f)), d + n);
        TWide.Store(dc * i * TWide.MultiplySubtractFrom(g, g, one), d + 2 * n);
        TWide.Store(dh * squashed * (o * (one - o)), d + 3 * n);
        TWide.Store(dc * f, (float*)row.Cell);
        TWide.Store(TWide.Zero, (float*)row.State);
    }
}
