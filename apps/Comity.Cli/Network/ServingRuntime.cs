using Comity.Cli.Terminal;

namespace Comity.Cli.Network;

/// <summary>How the runtime is set for a server: other than for a training, which ends before what takes long to learn would pay.</summary>
/// <remarks>
/// <para>Connections: each core has a thread that waits for data and answers small requests where it hears of them. By default the runtime hears with one thread on a machine of few cores and hands
/// each request on to the pool. Without the hand-over a request costs a quarter less, and a batch of short rows does not wait for that one thread. Whatever takes long leaves these threads
/// (<c>Comity.Serving.Hosting.SocketThread</c>).</para>
/// <para>Dynamic profiles: the runtime optimises what a long-running server does most, which takes a sixth off a request's own time. It settles this at its start, so the tool starts itself again: 0.06 s.</para>
/// </remarks>
internal static class ServingRuntime
{
    private const string Sockets = "DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS", Profiles = "DOTNET_TieredPGO";

    /// <summary>Must come before the first connection of the process. What the operator set stays.</summary>
    public static void Prepare(IReadOnlyList<string> arguments)
    {
        if (!arguments.Contains("serve")) return;
        if (Environment.GetEnvironmentVariable(Sockets) is null) Environment.SetEnvironmentVariable(Sockets, "1");
        if (Restart.Possible && Environment.GetEnvironmentVariable(Profiles) is null) Restart.With([(Profiles, "1")]);
    }
}
