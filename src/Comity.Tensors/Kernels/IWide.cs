namespace Comity.Tensors.Kernels;

/// <summary>A vector register of floats of some width: the parameter of every kernel, so that each is written once.</summary>
/// <remarks>All members are inlined to one or a few instructions; a comparison gives a mask of all-ones lanes.</remarks>
internal unsafe interface IWide<TSelf> where TSelf : unmanaged, IWide<TSelf>
{
    /// <summary>Lanes.</summary>
    static abstract int Count { get; }

    /// <summary>Rows of the matrix product's tile: as many as the registers of this width can hold beside two columns.</summary>
    static abstract int TileRows { get; }

    static abstract TSelf Zero { get; }

    static abstract TSelf Create(float value);

    static abstract TSelf Load(float* source);

    static abstract void Store(TSelf value, float* target);

    /// <summary>Pairs of bf16, one in each half of a word: the lower ones, and the upper ones, as floats.</summary>
    static abstract TSelf LoadPairs(uint* source, out TSelf upper);

    static abstract TSelf operator +(TSelf left, TSelf right);

    static abstract TSelf operator -(TSelf left, TSelf right);

    static abstract TSelf operator *(TSelf left, TSelf right);

    static abstract TSelf operator /(TSelf left, TSelf right);

    /// <summary>a·b + c with one rounding.</summary>
    static abstract TSelf MultiplyAdd(TSelf a, TSelf b, TSelf c);

    /// <summary>c − a·b with one rounding.</summary>
    static abstract TSelf MultiplySubtractFrom(TSelf a, TSelf b, TSelf c);

    /// <summary>The smaller; <paramref name="value"/> where it is NaN.</summary>
    static abstract TSelf Min(TSelf bound, TSelf value);

    /// <summary>The larger; <paramref name="value"/> where it is NaN.</summary>
    static abstract TSelf Max(TSelf bound, TSelf value);

    static abstract TSelf Sqrt(TSelf value);

    static abstract TSelf Abs(TSelf value);

    /// <summary>To the nearest whole number, halves to even.</summary>
    static abstract TSelf Round(TSelf value);

    static abstract TSelf GreaterThan(TSelf left, TSelf right);

    static abstract TSelf Select(TSelf mask, TSelf whenSet, TSelf whenClear);

    /// <summary>value·2ⁿ for whole n within [−126, 127].</summary>
    static abstract TSelf ScaleByPowerOfTwo(TSelf value, TSelf n);

    /// <summary>The exponent e and the mantissa m of a positive normal value = m·2ᵉ with m in [½, 1).</summary>
    static abstract TSelf Exponent(TSelf value, out TSelf mantissa);

    /// <summary>Sum over the lanes: halves are added until one lane is left.</summary>
    static abstract float Sum(TSelf value);

    /// <summary>Largest lane.</summary>
    static abstract float MaxLane(TSelf value);

    /// <summary>Tiles of a matrix product, see <see cref="GemmTile{TLanes, TVector, TRows}"/>.</summary>
    static abstract void Tile<TRows>(nint tiles, nint nextTile, nint segments, nint* offsets, nint k, float* a, nint rowStride, nint depthStride, float* b, nint ldb, float* c, nint ldc, float* start, nint ldStart)
        where TRows : struct, IRows;

    /// <summary>Rows of the tile of a product of bytes.</summary>
    static abstract int ByteTileRows { get; }

    /// <summary>See <see cref="IByteLanes{TVector}.Offset"/>.</summary>
    static abstract int ByteOffset { get; }

    /// <summary>One tile of a product of bytes, see <see cref="ByteTile{TLanes, TVector, TRows}"/>.</summary>
    static abstract void ByteTile<TRows>(nint groups, byte* a, nint rowStride, sbyte* b, int* c, nint ldc, int* start, nint ldStart)
        where TRows : struct, IRows;
}

/// <summary>The few operations of the innermost loop on the bare register.</summary>
/// <remarks>
/// A register wrapped in a struct costs the compiler a second local for each value; where sixteen registers are all in use,
/// it then spills in the loop. Everywhere else <see cref="IWide{TSelf}"/> reads better and costs nothing.
/// </remarks>
internal unsafe interface ILanes<TVector> where TVector : unmanaged
{
    static abstract int Count { get; }

    static abstract TVector Zero { get; }

    static abstract TVector Create(float value);

    static abstract TVector Load(float* source);

    static abstract void Store(TVector value, float* target);

    static abstract TVector MultiplyAdd(TVector a, TVector b, TVector c);
}
