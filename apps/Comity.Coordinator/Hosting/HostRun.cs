using System.Globalization;
using Comity.Federation.AtRest;

namespace Comity.Coordinator.Hosting;

/// <summary>What stays the same for as long as the process serves, whatever it is at the moment.</summary>
/// <param name="Options">What was asked for; the port is the one that was taken once it listens.</param>
/// <param name="Folder">The data folder, held.</param>
/// <param name="Vault">What the state in the folder is encrypted with, if it is.</param>
/// <param name="Logs">Loggers before there is a host.</param>
/// <param name="Language">Language of the texts.</param>
/// <param name="Output">What people asked for.</param>
/// <param name="Error">Problems.</param>
/// <param name="Time">The clock.</param>
internal sealed record HostRun(ServeOptions Options, DataFolder Folder, StateVault Vault, ILoggerFactory Logs, CultureInfo Language, TextWriter Output, TextWriter Error, TimeProvider Time)
{
    /// <summary>Whether address and join code were printed.</summary>
    public bool Announced { get; set; }

    /// <summary>The port that was taken; 0: none yet.</summary>
    public int Port { get; set; }

    /// <summary>Where other replicas reach this one, once it listens.</summary>
    public Uri ReplicaAddress => Options.ReplicaAt(Port);
}
