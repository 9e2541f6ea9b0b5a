using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.Versioning;
using System.Security;
using System.ServiceProcess;
using Comity.Cli.Terminal;

namespace Comity.Cli.Sites;

/// <summary>A command as a Windows service: it begins and ends when the service manager says so, and its last words stand in the event log.</summary>
[SupportedOSPlatform("windows")]
internal sealed class WindowsService : ServiceBase
{
    private const int ExceptionInService = 1064; // ERROR_EXCEPTION_IN_SERVICE: the manager starts it again, as it was told to at failures
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(25);
    private readonly Func<CancellationToken, Task<int>> _command;
    private readonly LastWords _said;
    private readonly CancellationTokenSource _over = new();
    private Task<int> _working = Task.FromResult(0);

    private WindowsService(string name, Func<CancellationToken, Task<int>> command, LastWords said)
    {
        (ServiceName, _command, _said) = (name, command, said);
        CanShutdown = true;
    }

    /// <summary>Runs the command until the service manager stops it, or it ends by itself.</summary>
    /// <param name="name">Name under which the service is registered; also the source of its entries in the event log.</param>
    /// <param name="command">The command.</param>
    /// <param name="said">Where the command's problems are written.</param>
    public static int Run(string name, Func<CancellationToken, Task<int>> command, LastWords said)
    {
        using var service = new WindowsService(name, command, said);
        Run(service);
        return service.ExitCode;
    }

    protected override void OnStart(string[] args)
    {
        _working = Task.Run(() => _command(_over.Token));
        _ = EndedAsync();
    }

    protected override void OnStop()
    {
        RequestAdditionalTime(Longest);
        _over.Cancel();
        _ = Task.WaitAny([_working], Longest);
    }

    protected override void OnShutdown() => OnStop();

    protected override void Dispose(bool disposing)
    {
        if (disposing) _over.Dispose();
        base.Dispose(disposing);
    }

    // Nobody asked it to: the manager learns that it failed, and the operator why.
    private async Task EndedAsync()
    {
        await ((Task)_working).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (_over.IsCancellationRequested) return;
        try
        {
            EventLog.WriteEntry(_said.ToString() is { Length: > 0 } words ? words : _working.Exception?.ToString() ?? $"comity ended with exit code {_working.Result}.", EventLogEntryType.Error);
        }
        catch (Exception e) when (e is SecurityException or InvalidOperationException or Win32Exception)
        {
            // The source is made by who installs; without it the manager's own entry stands.
        }
        ExitCode = ExceptionInService;
        Stop();
    }
}
