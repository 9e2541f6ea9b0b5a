using Comity.Cli;
using Comity.Cli.Commands;
using Comity.Cli.Network;
using Comity.Cli.Sites;
using Comity.Cli.Terminal;

// Files and numbers are culture-invariant; texts for people take their culture from the language chosen.
Thread.CurrentThread.CurrentCulture = System.Globalization.CultureInfo.InvariantCulture;
System.Globalization.CultureInfo.DefaultThreadCurrentCulture = System.Globalization.CultureInfo.InvariantCulture;

ServingRuntime.Prepare(args);
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
if (OperatingSystem.IsWindows() && SiteRunCommand.ServiceIn(args) is { } service)
{
    var said = new LastWords(); // a service has no console
    session = session with { Out = Output.Of(TextWriter.Null), Error = Output.Of(said) };
    return WindowsService.Run(service, over => CommandLine.RunAsync(args, session, over), said);
}
return await CommandLine.RunAsync(args, session, interruption.Token);
