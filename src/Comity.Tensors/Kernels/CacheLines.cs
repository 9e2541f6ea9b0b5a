using System.Runtime.Intrinsics.X86;

namespace Comity.Tensors.Kernels;

/// <summary>Memory that will be needed soon.</summary>
internal static unsafe class CacheLines
{
    /// <summary>Floats in a line.</summary>
    public const int Line = 16;

    /// <summary>Has floats brought into the first cache, where the processor can be asked to; nobody waits for them here.</summary>
    public static void Fetch(float* from, nint length)
    {
        if (!Sse.IsSupported) return;
        for (nint i = 0; i < length; i += Line) Sse.Prefetch0(from + i);
    }
}
