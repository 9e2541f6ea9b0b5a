namespace Comity.Cli.Network;

/// <summary>How a server's connections are heard: each core has a thread that waits for data and answers small requests where it hears of them.</summary>
/// <remarks>
/// By default the runtime hears with one thread on a machine of few cores and hands each request on to the pool. Without the hand-over a request costs a quarter less, and a batch of
/// short rows does not wait for that one thread. Whatever takes long leaves these threads (<c>Comity.Serving.Hosting.SocketThread</c>).
/// </remarks>
internal static class ServingSockets
{
    private const string Variable = "DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS";

    /// <summary>Must come before the first connection of the process: the runtime reads the setting once. What the operator set stays.</summary>
    public static void Prepare(IReadOnlyList<string> arguments)
    {
        if (arguments.Contains("serve") && Environment.GetEnvironmentVariable(Variable) is null) Environment.SetEnvironmentVariable(Variable, "1");
    }
}
