using Comity.Cli.Commands;
using Comity.Cli.Sites;
using Comity.Cli.Terminal;
using Comity.Declarations;
using Comity.Serving.Deployments;
using Comity.Serving.Hosting;
using Comity.Serving.Releases;
using Comity.Transport.Deployments;
using Comity.Transport.Identity;

namespace Comity.Cli.Network;

/// <summary>A server that belongs to a federation: it dials out as sites do, joins by a code that a person approves, follows orders and reports.</summary>
/// <remarks>Its key is made here and stays here. What the coordinator hands out is verified by the signatures of people that this machine trusts.</remarks>
internal sealed class ServingNode(Session session, string name, string market, string state)
{
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(25);

    private string Folder => Path.Combine(state, "nodes", name);

    /// <summary>Whether it joined before.</summary>
    public bool HasJoined => SiteIdentity.Exists(Folder);

    /// <summary>Joins if need be, then follows orders until it is cancelled.</summary>
    /// <exception cref="StoppedException">The coordinator is another one, or will not have this node.</exception>
    public async Task FollowAsync(ModelServer server, TrustedSigners trusted, JoinCode? code, TimeSpan poll, CancellationToken cancellationToken)
    {
        // What a site's file says of a site, said of a node: a name, and where its key lies.
        var member = new DeclaredSite(new SiteFile { Site = name, State = ".", Data = [] }, Path.Combine(Folder, "node.yaml"), null);
        using var held = StateLock.Take(Folder);
        using var identity = SiteIdentity.OpenOrMake(Folder);
        var joining = new Joining(session, member, identity) { Role = CallerRole.Server };
        if (code is not null) await joining.JoinAsync(code, cancellationToken);
        var membership = new Membership(session, member, identity);
        var connection = membership.Connection();
        using var http = SiteConnections.Open(connection, session);
        var wait = TimeSpan.FromSeconds(Math.Floor(Math.Min(poll.TotalSeconds, Longest.TotalSeconds)));
        var source = new CoordinatorDeployments(new DeploymentClient(http, session.Time), new DeploymentFolder(Path.Combine(Folder, "mirror")), wait, session.Time);
        var node = new DeploymentNode(server, source, trusted, market, name, state, new CanaryLimits(), session.Time);
        session.Out.Line(session.Text("serve.following", name, connection.Address));
        var following = node.RunAsync(poll - wait, cancellationToken);
        try
        {
            var client = new IdentityClient(http, session.Time);
            await membership.ArriveAsync(client, connection.Address, hello => joining.Check(hello, connection.Address), cancellationToken);
            await membership.KeepAsync(client, connection.Address, cancellationToken);
        }
        catch (StoppedException e) when (!cancellationToken.IsCancellationRequested)
        {
            // Its users are no worse for a membership that ended: what is in service stays there, and no order comes any more.
            ProblemPrinter.Print(session, e.Problems);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // Asked to stop: that is how a server ends.
        }
        await following;
    }
}
