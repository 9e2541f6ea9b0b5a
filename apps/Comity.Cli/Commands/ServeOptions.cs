using System.CommandLine;

namespace Comity.Cli.Commands;

/// <summary>Options of <c>comity serve</c>.</summary>
internal sealed class ServeOptions(Session session)
{
    public Argument<string[]> Files { get; } = new("FILE") { HelpName = "FILE", Description = session.Text("argument.release-files"), Arity = ArgumentArity.ZeroOrMore };

    public Option<string> Market { get; } = new("--market") { Description = session.Text("option.market"), HelpName = "ID", Required = true };

    public Option<string> Listen { get; } = new("--listen") { Description = session.Text("option.listen"), HelpName = "URL", DefaultValueFactory = _ => "http://127.0.0.1:8080" };

    public Option<string?> State { get; } = new("--state") { Description = session.Text("option.serve-state"), HelpName = "DIR" };

    public Option<string?> Store { get; } = new("--store") { Description = session.Text("option.store"), HelpName = "postgres://…" };

    public Option<string?> Certificate { get; } = new("--certificate") { Description = session.Text("option.certificate"), HelpName = "PEM" };

    public Option<string?> Key { get; } = new("--key") { Description = session.Text("option.certificate-key"), HelpName = "PEM" };

    public Option<string?> Tokens { get; } = new("--tokens") { Description = session.Text("option.tokens"), HelpName = "FILE" };

    public Option<bool> Open { get; } = new("--open") { Description = session.Text("option.open") };

    public Option<string?> Releases { get; } = new("--releases") { Description = session.Text("option.releases"), HelpName = "DIR" };

    public Option<int> BatchRows { get; } = new("--batch") { Description = session.Text("option.batch"), HelpName = "ROWS", DefaultValueFactory = _ => 64 };

    public Option<double> BatchDelay { get; } = new("--batch-delay") { Description = session.Text("option.batch-delay"), HelpName = "MS", DefaultValueFactory = _ => 0 };

    public Option<int> Cache { get; } = new("--cache") { Description = session.Text("option.cache"), HelpName = "MIB", DefaultValueFactory = _ => 8 };

    public Option<int> InFlight { get; } = new("--in-flight") { Description = session.Text("option.in-flight"), HelpName = "N", DefaultValueFactory = _ => 512 };

    public Option<double> Drain { get; } = new("--drain") { Description = session.Text("option.drain"), HelpName = "SECONDS", DefaultValueFactory = _ => 1 };

    public Option<int> Window { get; } = new("--window") { Description = session.Text("option.window"), HelpName = "ROWS", DefaultValueFactory = _ => 250 };

    public Option<double?> Retain { get; } = new("--retain") { Description = session.Text("option.retain"), HelpName = "DAYS" };

    public Option<string?> Otlp { get; } = new("--otlp") { Description = session.Text("option.otlp"), HelpName = "URL" };

    public Option<string?> Deployments { get; } = new("--deployments") { Description = session.Text("option.deployments"), HelpName = "DIR" };

    public Option<string?> Join { get; } = new("--join") { Description = session.Text("option.serve-join"), HelpName = "CODE" };

    public Option<string> Node { get; } = new("--node") { Description = session.Text("option.node"), HelpName = "NAME", DefaultValueFactory = _ => "node-1" };

    public Option<double> Poll { get; } = new("--poll") { Description = session.Text("option.poll"), HelpName = "SECONDS", DefaultValueFactory = _ => 5 };

    public void AddTo(Command command)
    {
        Files.CompletionSources.Add(CommonOptions.Paths);
        command.Arguments.Add(Files);
        foreach (var option in new Option[] { Market, Listen, State, Store, Certificate, Key, Tokens, Open, Releases, BatchRows, BatchDelay, Cache, InFlight, Drain, Window, Retain, Otlp, Deployments, Join, Node, Poll }) command.Options.Add(option);
    }
}
