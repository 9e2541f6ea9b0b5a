using System.CommandLine;
using Comity.Serving.Hosting;

namespace Comity.Cli.Commands;

/// <summary><c>comity serve token</c>: makes a token, shows it once and lets it in.</summary>
internal static class ServeTokenCommand
{
    public static Command Create(Session session)
    {
        var role = new Option<AccessRole>("--role") { Description = session.Text("option.role"), HelpName = "predict|read|operate", DefaultValueFactory = _ => AccessRole.Predict };
        var name = new Option<string>("--name") { Description = session.Text("option.token-name"), HelpName = "NAME", Required = true };
        var tokens = new Option<string>("--tokens") { Description = session.Text("option.tokens"), HelpName = "FILE", Required = true };
        var command = new Command("token", session.Text("serve.token.description")) { role, name, tokens };
        command.SetAction((parsed, _) =>
        {
            var file = Path.GetFullPath(parsed.GetRequiredValue(tokens));
            var token = AccessTokens.Create();
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            File.AppendAllText(file, AccessTokens.Line(token, parsed.GetValue(role), parsed.GetRequiredValue(name).ReplaceLineEndings(" ")) + "\n");
            session.Out.Line(token);
            session.Error.Line(session.Text("serve.token.once", file));
            return Task.FromResult((int)ExitCode.Done);
        });
        return command;
    }
}
