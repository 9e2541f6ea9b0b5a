using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Comity.Tensors.Kernels;

/// <summary>16 lanes.</summary>
internal readonly unsafe struct Wide512(Vector512<float> lanes) : IWide<Wide512>, ILanes<Vector512<float>>
{
    private readonly Vector512<float> _lanes = lanes;

    public static int Count => 16;

    public static int TileRows => 12;

    public static Wide512 Zero { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => new(Vector512<float>.Zero); }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Wide512 Create(float value) =>
        new(Vector512.Create(value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Wide512 Load(float* source) =>
        new(Vector512.Load(source));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Wide512 value, float* target) =>
        value._lanes.Store(target);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Wide512 LoadPairs(uint* source, out Wide512 upper)
    {
        var pairs = Vector512.Load(source);
        upper = new((pairs & Vector512.Create(0xFFFF0000u)).AsSingle());
        return new(Vector512.ShiftLeft(pairs, 16).AsSingle());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Wide512 operator +(Wide512 left, Wide512 right) =>
        new(left._lanes + right._lanes);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Wide512 operator -(Wide512 left, Wide512 right) =>
        new(left._lanes - right._lanes);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Wide512 operator *(Wide512 left, Wide512 right) =>
        new(left._lanes * right._lanes);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Wide512 operator /(Wide512 left, Wide512 right) =>
        new(left._lanes / right._lanes);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Wide512 MultiplyAdd(Wide512 a, Wide512 b, Wide512 c) =>
        new(Vector512.FusedMultiplyAdd(a._lanes, b._lanes, c._lanes));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Wide512 MultiplySubtractFrom(Wide512 a, Wide512 b, Wide512 c) =>
        new(Vector512.FusedMultiplyAdd(-a._lanes, b._lanes, c._lanes));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Wide512 Min(Wide512 bound, Wide512 value) =>
        new(Avx512F.IsSupported ? Avx512F.Min(bound._lanes, value._lanes) : Vector512.ConditionalSelect(Vector512.LessThan(bound._lanes, value._lanes), bound._lanes, value._lanes));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Wide512 Max(Wide512 bound, Wide512 value) =>
        new(Avx512F.IsSupported ? Avx512F.Max(bound._lanes, value._lanes) : Vector512.ConditionalSelect(Vector512.GreaterThan(bound._lanes, value._lanes), bound._lanes, value._lanes));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Wide512 Sqrt(Wide512 value) =>
        new(Vector512.Sqrt(value._lanes));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Wide512 Abs(Wide512 value) =>
        new(Vector512.Abs(value._lanes));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Wide512 Round(Wide512 value) =>
        new(Vector512.Round(value._lanes));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Wide512 GreaterThan(Wide512 left, Wide512 right) =>
        new(Vector512.GreaterThan(left._lanes, right._lanes));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Wide512 Select(Wide512 mask, Wide512 whenSet, Wide512 whenClear) =>
        new(Vector512.ConditionalSelect(mask._lanes, whenSet._lanes, whenClear._lanes));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Wide512 ScaleByPowerOfTwo(Wide512 value, Wide512 n) =>
        new(value._lanes * Vector512.ShiftLeft(Vector512.ConvertToInt32Native(n._lanes) + Vector512.Create(127), 23).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Wide512 Exponent(Wide512 value, out Wide512 mantissa)
    {
        var bits = value._lanes.AsInt32();
        mantissa = new(((bits & Vector512.Create(0x007FFFFF)) | Vector512.Create(0x3F000000)).AsSingle());
        return new(Vector512.ConvertToSingle(Vector512.ShiftRightLogical(bits, 23) - Vector512.Create(126)));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(Wide512 value) => Wide256.Sum(new(value._lanes.GetLower() + value._lanes.GetUpper()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float MaxLane(Wide512 value) => Wide256.MaxLane(new(Vector256.Max(value._lanes.GetLower(), value._lanes.GetUpper())));

    static Vector512<float> ILanes<Vector512<float>>.Zero { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => Vector512<float>.Zero; }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector512<float> ILanes<Vector512<float>>.Create(float value) => Vector512.Create(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector512<float> ILanes<Vector512<float>>.Load(float* source) => Vector512.Load(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void ILanes<Vector512<float>>.Store(Vector512<float> value, float* target) => value.Store(target);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector512<float> ILanes<Vector512<float>>.MultiplyAdd(Vector512<float> a, Vector512<float> b, Vector512<float> c) => Vector512.FusedMultiplyAdd(a, b, c);

    public static void Tile<TRows>(nint tiles, nint nextTile, nint segments, nint* offsets, nint k, float* a, nint rowStride, nint depthStride, float* b, nint ldb, float* c, nint ldc, float* start, nint ldStart)
        where TRows : struct, IRows => GemmTile<Wide512, Vector512<float>, TRows>.Run(tiles, nextTile, segments, offsets, k, a, rowStride, depthStride, b, ldb, c, ldc, start, ldStart);

    public static int ByteTileRows => Bytes512.TileRows;

    public static int ByteOffset => Bytes512.Offset;

    public static void ByteTile<TRows>(nint groups, byte* a, nint rowStride, sbyte* b, int* c, nint ldc, int* start, nint ldStart)
        where TRows : struct, IRows => ByteTile<Bytes512, Vector512<int>, TRows>.Run(groups, a, rowStride, b, c, ldc, start, ldStart);
}
