using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Comity.Tensors.Kernels;

/// <summary>8 lanes.</summary>
internal readonly unsafe struct Wide256(Vector256<float> lanes) : IWide<Wide256>, ILanes<Vector256<float>>
{
    private readonly Vector256<float> _lanes = lanes;

    public static int Count => 8;

    public static int TileRows => 6;

    public static Wide256 Zero { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => new(Vector256<float>.Zero); }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Wide256 Create(float value) =>
        new(Vector256.Create(value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Wide256 Load(float* source) =>
        new(Vector256.Load(source));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Wide256 value, float* target) =>
        value._lanes.Store(target);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Wide256 LoadPairs(uint* source, out Wide256 upper)
    {
        var pairs = Vector256.Load(source);
        upper = new((pairs & Vector256.Create(0xFFFF0000u)).AsSingle());
        return new(Vector256.ShiftLeft(pairs, 16).AsSingle());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Wide256 operator +(Wide256 left, Wide256 right) =>
        new(left._lanes + right._lanes);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Wide256 operator -(Wide256 left, Wide256 right) =>
        new(left._lanes - right._lanes);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Wide256 operator *(Wide256 left, Wide256 right) =>
        new(left._lanes * right._lanes);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Wide256 operator /(Wide256 left, Wide256 right) =>
        new(left._lanes / right._lanes);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Wide256 MultiplyAdd(Wide256 a, Wide256 b, Wide256 c) =>
        new(Vector256.FusedMultiplyAdd(a._lanes, b._lanes, c._lanes));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Wide256 MultiplySubtractFrom(Wide256 a, Wide256 b, Wide256 c) =>
        new(Vector256.FusedMultiplyAdd(-a._lanes, b._lanes, c._lanes));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Wide256 Min(Wide256 bound, Wide256 value) =>
        new(Avx.IsSupported ? Avx.Min(bound._lanes, value._lanes) : Vector256.ConditionalSelect(Vector256.LessThan(bound._lanes, value._lanes), bound._lanes, value._lanes));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Wide256 Max(Wide256 bound, Wide256 value) =>
        new(Avx.IsSupported ? Avx.Max(bound._lanes, value._lanes) : Vector256.ConditionalSelect(Vector256.GreaterThan(bound._lanes, value._lanes), bound._lanes, value._lanes));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Wide256 Sqrt(Wide256 value) =>
        new(Vector256.Sqrt(value._lanes));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Wide256 Abs(Wide256 value) =>
        new(Vector256.Abs(value._lanes));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Wide256 Round(Wide256 value) =>
        new(Vector256.Round(value._lanes));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Wide256 GreaterThan(Wide256 left, Wide256 right) =>
        new(Vector256.GreaterThan(left._lanes, right._lanes));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Wide256 Select(Wide256 mask, Wide256 whenSet, Wide256 whenClear) =>
        new(Vector256.ConditionalSelect(mask._lanes, whenSet._lanes, whenClear._lanes));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Wide256 ScaleByPowerOfTwo(Wide256 value, Wide256 n) =>
        new(value._lanes * Vector256.ShiftLeft(Vector256.ConvertToInt32Native(n._lanes) + Vector256.Create(127), 23).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Wide256 Exponent(Wide256 value, out Wide256 mantissa)
    {
        var bits = value._lanes.AsInt32();
        mantissa = new(((bits & Vector256.Create(0x007FFFFF)) | Vector256.Create(0x3F000000)).AsSingle());
        return new(Vector256.ConvertToSingle(Vector256.ShiftRightLogical(bits, 23) - Vector256.Create(126)));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(Wide256 value) => Wide128.Sum(new(value._lanes.GetLower() + value._lanes.GetUpper()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float MaxLane(Wide256 value) => Wide128.MaxLane(new(Vector128.Max(value._lanes.GetLower(), value._lanes.GetUpper())));

    static Vector256<float> ILanes<Vector256<float>>.Zero { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => Vector256<float>.Zero; }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector256<float> ILanes<Vector256<float>>.Create(float value) => Vector256.Create(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector256<float> ILanes<Vector256<float>>.Load(float* source) => Vector256.Load(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void ILanes<Vector256<float>>.Store(Vector256<float> value, float* target) => value.Store(target);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector256<float> ILanes<Vector256<float>>.MultiplyAdd(Vector256<float> a, Vector256<float> b, Vector256<float> c) => Vector256.FusedMultiplyAdd(a, b, c);

    public static void Tile<TRows>(nint tiles, nint nextTile, nint segments, nint* offsets, nint k, float* a, nint rowStride, nint depthStride, float* b, nint ldb, float* c, nint ldc, float* start, nint ldStart)
        where TRows : struct, IRows => GemmTile<Wide256, Vector256<float>, TRows>.Run(tiles, nextTile, segments, offsets, k, a, rowStride, depthStride, b, ldb, c, ldc, start, ldStart);

    public static int ByteTileRows => Bytes256.TileRows;

    public static int ByteOffset => Bytes256.Offset;

    public static void ByteTile<TRows>(nint groups, byte* a, nint rowStride, sbyte* b, int* c, nint ldc, int* start, nint ldStart)
        where TRows : struct, IRows => ByteTile<Bytes256, Vector256<int>, TRows>.Run(groups, a, rowStride, b, c, ldc, start, ldStart);
}
