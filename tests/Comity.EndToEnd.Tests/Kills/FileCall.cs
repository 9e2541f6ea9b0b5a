using System.Collections.Frozen;
using System.Runtime.InteropServices;

namespace Comity.EndToEnd.Tests.Kills;

/// <summary>A system call that is about to change a file: what a kill at this moment leaves undone.</summary>
/// <param name="Name">The call, such as <c>pwrite64</c>, <c>fsync</c> or <c>rename</c>.</param>
/// <param name="Path">The file's absolute path; of a rename the new name.</param>
/// <param name="Thread">Which thread of the process makes it.</param>
internal sealed record FileCall(string Name, string Path, int Thread)
{
    private static readonly FrozenDictionary<ulong, (string Name, Subject Subject)> Known = (RuntimeInformation.ProcessArchitecture switch
    {
        // arch/x86/entry/syscalls/syscall_64.tbl
        Architecture.X64 => new Dictionary<ulong, (string, Subject)>
        {
            [1] = ("write", Subject.Open), [18] = ("pwrite64", Subject.Open), [20] = ("writev", Subject.Open), [296] = ("pwritev", Subject.Open), [40] = ("sendfile", Subject.Open),
            [326] = ("copy_file_range", Subject.Third), [74] = ("fsync", Subject.Open), [75] = ("fdatasync", Subject.Open), [77] = ("ftruncate", Subject.Open), [285] = ("fallocate", Subject.Open),
            [2] = ("open", Subject.OpenedFirst), [257] = ("openat", Subject.OpenedSecond), [82] = ("rename", Subject.Second), [264] = ("renameat", Subject.Fourth), [316] = ("renameat2", Subject.Fourth),
            [86] = ("link", Subject.Second), [87] = ("unlink", Subject.First), [263] = ("unlinkat", Subject.Second), [83] = ("mkdir", Subject.First), [258] = ("mkdirat", Subject.Second), [84] = ("rmdir", Subject.First),
        },
        // include/uapi/asm-generic/unistd.h
        Architecture.Arm64 => new Dictionary<ulong, (string, Subject)>
        {
            [64] = ("write", Subject.Open), [68] = ("pwrite64", Subject.Open), [66] = ("writev", Subject.Open), [70] = ("pwritev", Subject.Open), [71] = ("sendfile", Subject.Open),
            [285] = ("copy_file_range", Subject.Third), [82] = ("fsync", Subject.Open), [83] = ("fdatasync", Subject.Open), [46] = ("ftruncate", Subject.Open), [47] = ("fallocate", Subject.Open),
            [56] = ("openat", Subject.OpenedSecond), [38] = ("renameat", Subject.Fourth), [276] = ("renameat2", Subject.Fourth), [35] = ("unlinkat", Subject.Second), [34] = ("mkdirat", Subject.Second),
        },
        _ => [],
    }).ToFrozenDictionary();

    // O_CREAT | O_TRUNC: an open that makes or empties a file.
    private const ulong Changing = 0x40 | 0x200;

    private enum Subject { Open, Third, First, Second, Fourth, OpenedFirst, OpenedSecond }

    /// <summary>Whether this machine's calls are known.</summary>
    public static bool IsSupported => OperatingSystem.IsLinux() && Known.Count > 0;

    /// <summary>The call that a stopped thread has entered; null: it changes no file.</summary>
    /// <param name="process">The process.</param>
    /// <param name="thread">The thread.</param>
    /// <param name="number">The call's number.</param>
    /// <param name="arguments">Its arguments.</param>
    public static FileCall? Of(int process, int thread, ulong number, ReadOnlySpan<ulong> arguments)
    {
        if (!Known.TryGetValue(number, out var call)) return null;
        if (call.Subject == Subject.OpenedFirst && (arguments[1] & Changing) == 0 || call.Subject == Subject.OpenedSecond && (arguments[2] & Changing) == 0) return null;
        var path = call.Subject switch
        {
            Subject.Open => OpenPath(process, arguments[0]),
            Subject.Third => OpenPath(process, arguments[2]),
            Subject.First or Subject.OpenedFirst => Text(process, arguments[0]),
            Subject.Second or Subject.OpenedSecond => Text(process, arguments[1]),
            _ => Text(process, arguments[3]),
        };
        return path is null ? null : new(call.Name, path, thread);
    }

    private static string? OpenPath(int process, ulong descriptor) =>
        new FileInfo($"/proc/{process}/fd/{(int)descriptor}").LinkTarget is { } target && target.StartsWith('/') ? target : null;

    private static string Text(int process, ulong address)
    {
        using var memory = new FileStream($"/proc/{process}/mem", FileMode.Open, FileAccess.Read, FileShare.ReadWrite, 0);
        memory.Position = (long)address;
        var text = new List<byte>();
        for (int read; (read = memory.ReadByte()) > 0;) text.Add((byte)read);
        var path = System.Text.Encoding.UTF8.GetString([.. text]);
        return System.IO.Path.IsPathRooted(path) ? path : System.IO.Path.GetFullPath(path, new FileInfo($"/proc/{process}/cwd").LinkTarget!);
    }
}
