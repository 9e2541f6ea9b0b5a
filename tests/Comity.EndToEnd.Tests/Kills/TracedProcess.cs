using System.Globalization;
using System.Runtime.InteropServices;
using Comity.Testing;

namespace Comity.EndToEnd.Tests.Kills;

/// <summary>Watches a process from outside, system call by system call, and kills it before one of them: a crash at a chosen moment.</summary>
/// <remarks>
/// <code>
/// a thread of the process calls write(…) ─► the kernel stops the thread ─► killBefore(call)? ─ yes ─► SIGKILL to the process: the call is never made
///                                                                                             └─ no ──► the thread goes on
/// </code>
/// The process itself knows nothing of it, so what runs is what users run. ptrace(2): all calls come from one thread, to which alone the kernel tells of stops.
/// </remarks>
internal static class TracedProcess
{
    // It waits until it is watched, then becomes the command that the arguments name. It is a child of the shell, not of the test: only a parent takes the
    // end of a process, and the runtime wants to take its children's ends itself.
    private const string Shell = "sh -c 'kill -STOP $$; exec \"$@\"' sh \"$@\" & echo \"$!\"; wait \"$!\"";

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    // It lives for a second or two: what it would learn of itself for later is not worth its time.
    private static readonly Dictionary<string, string?> Short = new() { ["DOTNET_TieredPGO"] = "0" };

    private const int Seize = 0x4206, Resume = 24, CallInfo = 0x420e, Options = 1 | 2 | 4 | 8 | 0x100000; // calls marked; forks, vforks and clones followed; killed with the watcher
    private const int EveryChild = 0x40000000, OwnOnly = 0x20000000;
    private const int NotPermitted = 1, NoSuchCall = 38;
    private const int Trap = 5, MarkedTrap = Trap | 0x80, Kill = 9, Continue = 18;

    /// <summary>Starts <c>comity</c> under watch.</summary>
    /// <param name="folder">Working folder.</param>
    /// <param name="arguments">Arguments of the command line.</param>
    /// <param name="killBefore">Told of each call that changes a file, before it is made, one call at a time; true: the process is killed there.</param>
    /// <returns>The process, whose first line of output is not its own, and the end of the watch.</returns>
    public static async Task<(CommandProcess Process, Task Watched)> StartComityAsync(string folder, IEnumerable<string> arguments, Func<FileCall, bool> killBefore)
    {
        var started = CommandProcess.Start("sh", ["-c", Shell, "sh", "dotnet", Path.Combine(AppContext.BaseDirectory, "comity.dll"), .. arguments], folder, Short);
        try
        {
            Assert.True(await started.WaitUntilAsync(p => p.Output.Contains('\n', StringComparison.Ordinal), Patience), started.Error);
            var id = int.Parse(started.Output.Split('\n')[0], CultureInfo.InvariantCulture);
            Assert.True(await started.WaitUntilAsync(_ => File.ReadAllText($"/proc/{id}/stat").Contains(") T ", StringComparison.Ordinal), Patience), started.Error);
            return (started, WatchAsync(id, killBefore));
        }
        catch
        {
            await started.DisposeAsync();
            throw;
        }
    }

    private static Task WatchAsync(int process, Func<FileCall, bool> killBefore)
    {
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        new Thread(() =>
        {
            try
            {
                Watch(process, killBefore);
                ended.SetResult();
            }
            catch (Exception e)
            {
                _ = kill(process, Kill);
                ended.SetException(e);
            }
        })
        { IsBackground = true, Name = "watcher" }.Start();
        return ended.Task;
    }

    private static void Watch(int process, Func<FileCall, bool> killBefore)
    {
        var seized = ptrace(Seize, process, 0, Options);
        if (seized < 0 && Marshal.GetLastPInvokeError() is NotPermitted or NoSuchCall)
            Assert.Skip("This machine does not let ptrace(2) watch a process: allow it in kernel.yama.ptrace_scope, or in the container's seccomp profile.");
        Checked(seized, "watched");
        Checked(kill(process, Continue), "woken");
        Span<ulong> info = stackalloc ulong[11];
        var killed = false;
        while (true)
        {
            var thread = waitpid(-1, out var status, EveryChild | OwnOnly);
            if (thread < 0) return; // nobody is left
            if ((status & 0xff) != 0x7f) continue; // it has ended
            var signal = (status >> 8) & 0xff;
            if (signal == MarkedTrap)
            {
                // struct ptrace_syscall_info: what (u8), architecture (u32), two pointers (u64); at an entry then the number and six arguments (u64).
                if (!killed && ptrace(CallInfo, thread, 11 * sizeof(ulong), ref info[0]) > 0 && (byte)info[0] == 1
                    && FileCall.Of(process, thread, info[3], info[4..10]) is { } call && killBefore(call))
                {
                    killed = true;
                    Checked(kill(process, Kill), "killed");
                    continue; // a killed thread needs no leave to go
                }
                signal = 0;
            }
            else if (status >> 16 != 0) signal = 0; // a stop that only the watcher is told of
            _ = ptrace(Resume, thread, 0, signal); // gone meanwhile, if it was killed
        }
    }

    private static void Checked(long result, string done)
    {
        if (result < 0) throw new InvalidOperationException($"The process could not be {done}: errno {Marshal.GetLastPInvokeError()}.");
    }

    [DllImport("libc", SetLastError = true)]
    private static extern long ptrace(long request, int process, nint address, nint data);

    [DllImport("libc", SetLastError = true)]
    private static extern long ptrace(long request, int process, nint address, ref ulong data);

    [DllImport("libc", SetLastError = true)]
    private static extern int waitpid(int process, out int status, int options);

    [DllImport("libc", SetLastError = true)]
    private static extern int kill(int process, int signal);
}
