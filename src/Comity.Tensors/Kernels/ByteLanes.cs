using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace Comity.Tensors.Kernels;

/// <summary>16 lanes.</summary>
internal readonly unsafe struct Bytes512 : IByteLanes<Vector512<int>>
{
    public static int Count => 16;

    public static int TileRows => 12;

    public static int Offset => 0;

    public static Vector512<int> Zero { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => Vector512<int>.Zero; }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Create(int four) => Vector512.Create(four);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Load(void* source) => Vector512.Load((int*)source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector512<int> value, int* target) => value.Store(target);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Dot(Vector512<int> sum, Vector512<int> a, Vector512<int> b)
    {
        if (Avx512BW.IsSupported) return sum + Avx512BW.MultiplyAddAdjacent(Avx512BW.MultiplyAddAdjacent(a.AsByte(), b.AsSByte()), Vector512<short>.One);
        return Vector512.Create(Bytes256.Dot(sum.GetLower(), a.GetLower(), b.GetLower()), Bytes256.Dot(sum.GetUpper(), a.GetUpper(), b.GetUpper()));
    }
}

/// <summary>8 lanes.</summary>
internal readonly unsafe struct Bytes256 : IByteLanes<Vector256<int>>
{
    public static int Count => 8;

    // Without the instruction that does it all, two registers more are in use.
    public static int TileRows => AvxVnni.IsSupported ? 6 : 4;

    public static int Offset => 0;

    public static Vector256<int> Zero { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => Vector256<int>.Zero; }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Create(int four) => Vector256.Create(four);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Load(void* source) => Vector256.Load((int*)source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector256<int> value, int* target) => value.Store(target);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Dot(Vector256<int> sum, Vector256<int> a, Vector256<int> b)
    {
        if (AvxVnni.IsSupported) return AvxVnni.MultiplyWideningAndAdd(sum, a.AsByte(), b.AsSByte());
        if (Avx2.IsSupported) return sum + Avx2.MultiplyAddAdjacent(Avx2.MultiplyAddAdjacent(a.AsByte(), b.AsSByte()), Vector256<short>.One);
        return Vector256.Create(BytesOf128.Sum(sum.GetLower(), a.GetLower(), b.GetLower()), BytesOf128.Sum(sum.GetUpper(), a.GetUpper(), b.GetUpper()));
    }
}

/// <summary>4 lanes.</summary>
internal readonly unsafe struct Bytes128 : IByteLanes<Vector128<int>>
{
    public static int Count => 4;

    public static int TileRows => Dp.IsSupported ? 12 : AvxVnni.IsSupported ? 6 : 4;

    // Arm multiplies signed by signed bytes.
    public static int Offset => Dp.IsSupported ? 128 : 0;

    public static Vector128<int> Zero { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => Vector128<int>.Zero; }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> Create(int four) => Vector128.Create(Dp.IsSupported ? four ^ unchecked((int)0x80808080) : four);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> Load(void* source) => Vector128.Load((int*)source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector128<int> value, int* target) => value.Store(target);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> Dot(Vector128<int> sum, Vector128<int> a, Vector128<int> b) =>
        Dp.IsSupported ? Dp.DotProduct(sum, a.AsSByte(), b.AsSByte()) : BytesOf128.Sum(sum, a, b);
}

/// <summary>One lane.</summary>
internal readonly unsafe struct BytesScalar : IByteLanes<int>
{
    public static int Count => 1;

    public static int TileRows => 4;

    public static int Offset => 0;

    public static int Zero => 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Create(int four) => four;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Load(void* source) => *(int*)source;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(int value, int* target) => *target = value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Dot(int sum, int a, int b) =>
        sum + (byte)a * (sbyte)b + (byte)(a >> 8) * (sbyte)(b >> 8) + (byte)(a >> 16) * (sbyte)(b >> 16) + (byte)(a >> 24) * (sbyte)(b >> 24);
}

/// <summary>What four lanes do where nothing does it for more.</summary>
internal static class BytesOf128
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> Sum(Vector128<int> sum, Vector128<int> a, Vector128<int> b)
    {
        if (AvxVnni.IsSupported) return AvxVnni.MultiplyWideningAndAdd(sum, a.AsByte(), b.AsSByte());
        if (Ssse3.IsSupported) return sum + Sse2.MultiplyAddAdjacent(Ssse3.MultiplyAddAdjacent(a.AsByte(), b.AsSByte()), Vector128<short>.One);
        // The bytes of each place in turn, b's with their signs.
        var low = Vector128.Create(255);
        sum += (a & low) * Vector128.ShiftRightArithmetic(Vector128.ShiftLeft(b, 24), 24);
        sum += (Vector128.ShiftRightLogical(a, 8) & low) * Vector128.ShiftRightArithmetic(Vector128.ShiftLeft(b, 16), 24);
        sum += (Vector128.ShiftRightLogical(a, 16) & low) * Vector128.ShiftRightArithmetic(Vector128.ShiftLeft(b, 8), 24);
        return sum + Vector128.ShiftRightLogical(a, 24) * Vector128.ShiftRightArithmetic(b, 24);
    }
}
