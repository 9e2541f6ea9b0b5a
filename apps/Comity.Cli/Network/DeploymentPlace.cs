using System.CommandLine;
using Comity.Serving.Deployments;
using Comity.Transport.Deployments;
using Comity.Transport.Identity;

namespace Comity.Cli.Network;

/// <summary>Where a person's orders go: a coordinator, by its address or join code and a token, or a folder that is shared.</summary>
internal sealed class DeploymentPlace
{
    private readonly Session _session;
    private readonly AuthorConnection _connection;

    public DeploymentPlace(Session session)
    {
        (_session, _connection) = (session, new AuthorConnection(session));
        _connection.To.Description = session.Text("option.deployments-to", AuthorConnection.AddressVariable);
        _connection.To.HelpName = "URL|CODE|DIR";
        _connection.To.CompletionSources.Add(Commands.CommonOptions.Paths);
    }

    public void AddTo(Command command) => _connection.AddTo(command);

    /// <summary>Runs a call at the place that the command line names.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="folder">A folder that it names otherwise; null: none.</param>
    /// <param name="call">The call.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="StoppedException">The coordinator can't be reached, or refused.</exception>
    public async Task<T> CallAsync<T>(ParseResult parsed, string? folder, Func<IDeploymentSource, Task<T>> call, CancellationToken cancellationToken)
    {
        var to = folder ?? parsed.GetValue(_connection.To);
        if (to is not null && JoinCode.Parse(to) is null && !to.Contains("://", StringComparison.Ordinal)) return await call(new DeploymentFolder(Path.GetFullPath(to)));
        var mirror = Directory.CreateTempSubdirectory("comity-orders-");
        try
        {
            return await _connection.CallAsync(parsed, async (HttpClient http) =>
            {
                var source = new CoordinatorDeployments(new DeploymentClient(http, _session.Time), new DeploymentFolder(mirror.FullName), TimeSpan.Zero, _session.Time);
                await source.SynchroniseAsync(cancellationToken); // here a coordinator that is away is a problem, not a pause
                return await call(source);
            });
        }
        finally
        {
            mirror.Delete(recursive: true);
        }
    }
}
