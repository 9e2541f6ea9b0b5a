using System.Runtime.InteropServices;

namespace Comity.Tensors.Memory;

/// <summary>Has the system back large buffers with large pages, where it does so when asked to (Linux: transparent huge pages, mode madvise).</summary>
/// <remarks>
/// A step of a large model goes through more memory than the processor remembers addresses of pages of 4 KiB for, and in a virtual machine
/// looking one up reads two trees of tables. A request that is not granted changes nothing but speed.
/// </remarks>
internal static unsafe partial class LargePages
{
    private const nuint Page = 2 << 20;
    private const int HugePage = 14; // MADV_HUGEPAGE

    /// <summary>Whole large pages within the memory, which nobody should have written to yet.</summary>
    public static void Ask(void* from, nuint bytes)
    {
        nuint first = ((nuint)from + Page - 1) & ~(Page - 1), end = ((nuint)from + bytes) & ~(Page - 1);
        if (end <= first || !OperatingSystem.IsLinux()) return;
        try
        {
            _ = Advise(first, end - first, HugePage);
        }
        catch (Exception e) when (e is DllNotFoundException or EntryPointNotFoundException)
        {
            // A system whose C library has another name goes on with small pages.
        }
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(nuint address, nuint length, int advice);
}
