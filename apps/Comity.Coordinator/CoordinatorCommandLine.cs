using System.CommandLine;
using System.CommandLine.Invocation;
using System.Globalization;
using Comity.Coordinator.Serving;
using Comity.Declarations;

namespace Comity.Coordinator;

/// <summary>The neutral party's command line: <c>comity-coordinator serve</c>.</summary>
internal static class CoordinatorCommandLine
{
    private const int Usage = 2;

    public static async Task<int> RunAsync(
        string[] args, Func<string, string?> environment, TextWriter output, TextWriter error, CancellationToken cancellationToken)
    {
        var language = Texts.LanguageOf(args, environment);
        CultureInfo.CurrentUICulture = language; // the parser's own messages are looked up by it
        var parsed = Create(language, output, error).Parse(args);
        if (parsed.Action is ParseErrorAction)
        {
            foreach (var problem in parsed.Errors) await error.WriteLineAsync(problem.Message);
            await error.WriteLineAsync(Texts.Catalog.Text("usage.remedy", language));
            return Usage;
        }

        // The host stops on Ctrl-C and SIGTERM by itself, and has its own time for it.
        var configuration = new InvocationConfiguration { Output = output, Error = error, ProcessTerminationTimeout = null };
        return await parsed.InvokeAsync(configuration, cancellationToken);
    }

    private static RootCommand Create(CultureInfo language, TextWriter output, TextWriter error)
    {
        string Text(string key) => Texts.Catalog.Text(key, language);

        var listen = new Option<string>("--listen") { Description = Text("serve.listen"), DefaultValueFactory = _ => "http://127.0.0.1:8440", HelpName = "URL" };
        var data = new Option<DirectoryInfo>("--data") { Description = Text("serve.data"), Required = true, HelpName = "DIR" };
        var serve = new Command("serve", Text("serve.description"));
        serve.Options.Add(listen);
        serve.Options.Add(data);
        serve.SetAction(async (result, cancellationToken) =>
        {
            var problems = new ProblemList();
            var options = ServeOptions.Read(result.GetRequiredValue(listen), result.GetRequiredValue(data).FullName, problems);
            if (options is not null) return (int)await CoordinatorHost.ServeAsync(options, language, output, error, cancellationToken);
            CoordinatorHost.Print(problems, language, error);
            return Usage;
        });

        var root = new RootCommand(Text("root.description"));
        root.Options.Add(new Option<string>("--lang") { Description = Text("root.language"), Recursive = true, HelpName = "en|zh-Hans" });
        root.Subcommands.Add(serve);
        return root;
    }
}
