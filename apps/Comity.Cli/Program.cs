using Comity.Cli;
using Comity.Cli.Terminal;

// Files and numbers are culture-invariant; texts for people take their culture from the language chosen.
Thread.CurrentThread.CurrentCulture = System.Globalization.CultureInfo.InvariantCulture;
System.Globalization.CultureInfo.DefaultThreadCurrentCulture = System.Globalization.CultureInfo.InvariantCulture;

// A server answers small requests on the thread that received them; the runtime reads this once, before the first socket.
if (args.Contains("serve")) Environment.SetEnvironmentVariable("DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS", "1");

using var interruption = new Interruption();
var language = Language.Choose(args, Environment.GetEnvironmentVariable);
var session = new Session
{
    Language = language,
    Out = Output.Of(Console.OpenStandardOutput(), !Console.IsOutputRedirected, Environment.GetEnvironmentVariable),
    Error = Output.Of(Console.OpenStandardError(), !Console.IsErrorRedirected, Environment.GetEnvironmentVariable),
    Time = TimeProvider.System,
    Environment = Environment.GetEnvironmentVariable,
};
return await CommandLine.RunAsync(args, session, interruption.Token);
