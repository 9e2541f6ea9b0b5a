using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using System.Runtime.Intrinsics.Arm;

namespace Comity.Tensors.Kernels;

/// <summary>4 lanes.</summary>
internal readonly unsafe struct Wide128(Vector128<float> lanes) : IWide<Wide128>, ILanes<Vector128<float>>
{
    private readonly Vector128<float> _lanes = lanes;

    public static int Count => 4;

    public static int TileRows => AdvSimd.Arm64.IsSupported ? 12 : 6;

    public static Wide128 Zero { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => new(Vector128<float>.Zero); }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Wide128 Create(float value) =>
        new(Vector128.Create(value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Wide128 Load(float* source) =>
        new(Vector128.Load(source));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Wide128 value, float* target) =>
        value._lanes.Store(target);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Wide128 LoadPairs(uint* source, out Wide128 upper)
    {
        var pairs = Vector128.Load(source);
        upper = new((pairs & Vector128.Create(0xFFFF0000u)).AsSingle());
        return new(Vector128.ShiftLeft(pairs, 16).AsSingle());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Wide128 operator +(Wide128 left, Wide128 right) =>
        new(left._lanes + right._lanes);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Wide128 operator -(Wide128 left, Wide128 right) =>
        new(left._lanes - right._lanes);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Wide128 operator *(Wide128 left, Wide128 right) =>
        new(left._lanes * right._lanes);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Wide128 operator /(Wide128 left, Wide128 right) =>
        new(left._lanes / right._lanes);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Wide128 MultiplyAdd(Wide128 a, Wide128 b, Wide128 c) =>
        new(Vector128.FusedMultiplyAdd(a._lanes, b._lanes, c._lanes));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Wide128 MultiplySubtractFrom(Wide128 a, Wide128 b, Wide128 c) =>
        new(Vector128.FusedMultiplyAdd(-a._lanes, b._lanes, c._lanes));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Wide128 Min(Wide128 bound, Wide128 value) =>
        new(Sse.IsSupported ? Sse.Min(bound._lanes, value._lanes) : Vector128.ConditionalSelect(Vector128.LessThan(bound._lanes, value._lanes), bound._lanes, value._lanes));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Wide128 Max(Wide128 bound, Wide128 value) =>
        new(Sse.IsSupported ? Sse.Max(bound._lanes, value._lanes) : Vector128.ConditionalSelect(Vector128.GreaterThan(bound._lanes, value._lanes), bound._lanes, value._lanes));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Wide128 Sqrt(Wide128 value) =>
        new(Vector128.Sqrt(value._lanes));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Wide128 Abs(Wide128 value) =>
        new(Vector128.Abs(value._lanes));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Wide128 Round(Wide128 value) =>
        new(Vector128.Round(value._lanes));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Wide128 GreaterThan(Wide128 left, Wide128 right) =>
        new(Vector128.GreaterThan(left._lanes, right._lanes));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Wide128 Select(Wide128 mask, Wide128 whenSet, Wide128 whenClear) =>
        new(Vector128.ConditionalSelect(mask._lanes, whenSet._lanes, whenClear._lanes));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Wide128 ScaleByPowerOfTwo(Wide128 value, Wide128 n) =>
        new(value._lanes * Vector128.ShiftLeft(Vector128.ConvertToInt32Native(n._lanes) + Vector128.Create(127), 23).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Wide128 Exponent(Wide128 value, out Wide128 mantissa)
    {
        var bits = value._lanes.AsInt32();
        mantissa = new(((bits & Vector128.Create(0x007FFFFF)) | Vector128.Create(0x3F000000)).AsSingle());
        return new(Vector128.ConvertToSingle(Vector128.ShiftRightLogical(bits, 23) - Vector128.Create(126)));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(Wide128 value)
    {
        var pairs = value._lanes + Vector128.Shuffle(value._lanes, Vector128.Create(2, 3, 0, 1));
        return pairs.ToScalar() + pairs.GetElement(1);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float MaxLane(Wide128 value)
    {
        var pairs = Vector128.Max(value._lanes, Vector128.Shuffle(value._lanes, Vector128.Create(2, 3, 0, 1)));
        return MathF.Max(pairs.ToScalar(), pairs.GetElement(1));
    }

    static Vector128<float> ILanes<Vector128<float>>.Zero { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => Vector128<float>.Zero; }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector128<float> ILanes<Vector128<float>>.Create(float value) => Vector128.Create(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector128<float> ILanes<Vector128<float>>.Load(float* source) => Vector128.Load(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void ILanes<Vector128<float>>.Store(Vector128<float> value, float* target) => value.Store(target);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector128<float> ILanes<Vector128<float>>.MultiplyAdd(Vector128<float> a, Vector128<float> b, Vector128<float> c) => Vector128.FusedMultiplyAdd(a, b, c);

    public static void Tile<TRows>(nint tiles, nint nextTile, nint segments, nint* offsets, nint k, float* a, nint rowStride, nint depthStride, float* b, nint ldb, float* c, nint ldc, float* start, nint ldStart)
        where TRows : struct, IRows => GemmTile<Wide128, Vector128<float>, TRows>.Run(tiles, nextTile, segments, offsets, k, a, rowStride, depthStride, b, ldb, c, ldc, start, ldStart);

    public static int ByteTileRows => Bytes128.TileRows;

    public static int ByteOffset => Bytes128.Offset;

    public static void ByteTile<TRows>(nint groups, byte* a, nint rowStride, sbyte* b, int* c, nint ldc, int* start, nint ldStart)
        where TRows : struct, IRows => ByteTile<Bytes128, Vector128<int>, TRows>.Run(groups, a, rowStride, b, c, ldc, start, ldStart);
}
