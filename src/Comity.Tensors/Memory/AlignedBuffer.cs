using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Comity.Tensors.Memory;

/// <summary>Floats that start at a cache line and never move, so that kernels may hold their address. Zero at first.</summary>
/// <remarks>Managed memory on the pinned heap: nothing to dispose. A cache line of slack follows the last element.</remarks>
public sealed unsafe class AlignedBuffer
{
    private const int Alignment = 64;
    private const int Slack = 2 * Alignment / sizeof(float);
    private readonly float[] _memory;
    private readonly int _first;

    /// <param name="length">Number of floats.</param>
    public AlignedBuffer(int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        _memory = GC.AllocateArray<float>(checked(length + Slack), pinned: true);
        var address = (nuint)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(_memory));
        LargePages.Ask((void*)address, (nuint)_memory.Length * sizeof(float));
        _first = (int)((Alignment - address % Alignment) % Alignment) / sizeof(float);
        Length = length;
    }

    /// <summary>Number of floats.</summary>
    public int Length { get; }

    /// <summary>The floats.</summary>
    public Span<float> Span => _memory.AsSpan(_first, Length);

    /// <summary>The floats.</summary>
    public Memory<float> Memory => _memory.AsMemory(_first, Length);

    internal float* Pointer => (float*)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(_memory)) + _first;
}
