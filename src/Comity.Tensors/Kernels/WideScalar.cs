using System.Runtime.CompilerServices;

namespace Comity.Tensors.Kernels;

/// <summary>One lane: for processors without vectors, and the plainest form of every kernel.</summary>
internal readonly unsafe struct WideScalar(float value) : IWide<WideScalar>, ILanes<float>
{
    private readonly float _value = value;

    public static int Count => 1;

    public float ToSingle() => _value;

    public static int TileRows => 4;

    public static WideScalar Zero => default;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static WideScalar Create(float value) => new(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static WideScalar Load(float* source) => new(*source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(WideScalar value, float* target) => *target = value._value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static WideScalar LoadPairs(uint* source, out WideScalar upper)
    {
        upper = new(BitConverter.UInt32BitsToSingle(*source & 0xFFFF0000u));
        return new(BitConverter.UInt32BitsToSingle(*source << 16));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static WideScalar operator +(WideScalar left, WideScalar right) => new(left._value + right._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static WideScalar operator -(WideScalar left, WideScalar right) => new(left._value - right._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static WideScalar operator *(WideScalar left, WideScalar right) => new(left._value * right._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static WideScalar operator /(WideScalar left, WideScalar right) => new(left._value / right._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static WideScalar MultiplyAdd(WideScalar a, WideScalar b, WideScalar c) => new(MathF.FusedMultiplyAdd(a._value, b._value, c._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static WideScalar MultiplySubtractFrom(WideScalar a, WideScalar b, WideScalar c) => new(MathF.FusedMultiplyAdd(-a._value, b._value, c._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static WideScalar Min(WideScalar bound, WideScalar value) => bound._value < value._value ? bound : value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static WideScalar Max(WideScalar bound, WideScalar value) => bound._value > value._value ? bound : value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static WideScalar Sqrt(WideScalar value) => new(MathF.Sqrt(value._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static WideScalar Abs(WideScalar value) => new(MathF.Abs(value._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static WideScalar Round(WideScalar value) => new(MathF.Round(value._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static WideScalar GreaterThan(WideScalar left, WideScalar right) => new(left._value > right._value ? BitConverter.Int32BitsToSingle(-1) : 0f);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static WideScalar Select(WideScalar mask, WideScalar whenSet, WideScalar whenClear) => BitConverter.SingleToInt32Bits(mask._value) != 0 ? whenSet : whenClear;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static WideScalar ScaleByPowerOfTwo(WideScalar value, WideScalar n) => new(value._value * BitConverter.Int32BitsToSingle(((int)n._value + 127) << 23));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(WideScalar value) => value._value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float MaxLane(WideScalar value) => value._value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static WideScalar Exponent(WideScalar value, out WideScalar mantissa)
    {
        var bits = BitConverter.SingleToInt32Bits(value._value);
        mantissa = new(BitConverter.Int32BitsToSingle((bits & 0x007FFFFF) | 0x3F000000));
        return new((int)((uint)bits >> 23) - 126);
    }

    static float ILanes<float>.Zero => 0;

    static float ILanes<float>.Create(float value) => value;

    static float ILanes<float>.Load(float* source) => *source;

    static void ILanes<float>.Store(float value, float* target) => *target = value;

    static float ILanes<float>.MultiplyAdd(float a, float b, float c) => MathF.FusedMultiplyAdd(a, b, c);

    public static void Tile<TRows>(nint tiles, nint nextTile, nint segments, nint* offsets, nint k, float* a, nint rowStride, nint depthStride, float* b, nint ldb, float* c, nint ldc, float* start, nint ldStart)
        where TRows : struct, IRows => GemmTile<WideScalar, float, TRows>.Run(tiles, nextTile, segments, offsets, k, a, rowStride, depthStride, b, ldb, c, ldc, start, ldStart);

    public static int ByteTileRows => BytesScalar.TileRows;

    public static int ByteOffset => BytesScalar.Offset;

    public static void ByteTile<TRows>(nint groups, byte* a, nint rowStride, sbyte* b, int* c, nint ldc, int* start, nint ldStart)
        where TRows : struct, IRows => ByteTile<BytesScalar, int, TRows>.Run(groups, a, rowStride, b, c, ldc, start, ldStart);
}
