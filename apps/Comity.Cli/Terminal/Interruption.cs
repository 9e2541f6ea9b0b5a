using System.Runtime.InteropServices;

namespace Comity.Cli.Terminal;

/// <summary>Turns Ctrl-C and SIGTERM into a cancelled token, so that work stops at a safe place; a second signal ends the process at once.</summary>
internal sealed class Interruption : IDisposable
{
    private readonly CancellationTokenSource _source = new();
    private readonly List<PosixSignalRegistration> _registrations = [];

    public Interruption()
    {
        foreach (var signal in new[] { PosixSignal.SIGINT, PosixSignal.SIGTERM })
            _registrations.Add(PosixSignalRegistration.Create(signal, Handle));
    }

    public CancellationToken Token => _source.Token;

    public void Dispose()
    {
        foreach (var registration in _registrations) registration.Dispose();
        _source.Dispose();
    }

    private void Handle(PosixSignalContext context)
    {
        if (_source.IsCancellationRequested) return; // not cancelled here: the second signal's default ends the process
        context.Cancel = true;
        _source.Cancel();
    }
}
