using System.CommandLine;
using System.CommandLine.Parsing;
using Comity.Coordinator.Hosting;
using Comity.Declarations;

namespace Comity.Coordinator.Commands;

/// <summary><c>comity-coordinator serve</c>.</summary>
internal static class ServeCommand
{
    public static Command Create(CommandContext context)
    {
        var data = new Option<DirectoryInfo>("--data") { Description = context.Text("serve.data"), Required = true, HelpName = "DIR" };
        var listen = new Option<string>("--listen") { Description = context.Text("serve.listen"), DefaultValueFactory = _ => "https://0.0.0.0:8440", HelpName = "URL" };
        var address = new Option<string?>("--address") { Description = context.Text("serve.address"), HelpName = "URL" };
        var replica = new Option<string?>("--replica-address") { Description = context.Text("serve.replica-address"), HelpName = "URL" };
        var proxy = new Option<string[]>("--proxy") { Description = context.Text("serve.proxy"), HelpName = "IP", DefaultValueFactory = _ => [] };
        var rate = new Option<int>("--calls-per-second") { Description = context.Text("serve.rate"), HelpName = "N", DefaultValueFactory = _ => ServeOptions.DefaultCallsPerSecond };
        rate.Validators.Add(result => Within(result, context));
        var author = new Option<string?>("--author") { Description = context.Text("serve.author-option"), HelpName = "NAME" };
        var otlp = new Option<Uri?>("--otlp")
        {
            Description = context.Text("serve.otlp"), HelpName = "URL", CustomParser = result => Uri.TryCreate(result.Tokens[0].Value, UriKind.Absolute, out var uri) && (uri.Scheme == Uri.UriSchemeHttp || uri.Scheme == Uri.UriSchemeHttps)
                ? uri : null
        };
        var serve = new Command("serve", context.Text("serve.description")) { data, listen, address, author, replica, proxy, rate, otlp };
        serve.SetAction(async (result, cancellationToken) =>
        {
            var problems = new ProblemList();
            if (result.GetResult(otlp) is not null && result.GetValue(otlp) is null) problems.Add(Texts.Problem("otlp-unreadable", "--otlp"));
            var options = ServeOptions.Read(result.GetRequiredValue(listen), result.GetValue(address), result.GetRequiredValue(proxy), result.GetRequiredValue(data).FullName, problems);
            if (result.GetValue(author) is { } named && !Identity.Member.IsName(named)) problems.Add(Texts.Problem("name-wrong", "--author", named));
            if (options is not null)
            {
                options = options with { Author = result.GetValue(author), CallsPerSecond = result.GetValue(rate), Otlp = result.GetValue(otlp), Store = context.Store, Key = context.Key };
                if (context.Queue is { } queue) options = options.AsReplica(queue, result.GetValue(replica), context.Environment(ServeOptions.SecretVariable), problems);
            }
            if (options is not null && !problems.HasErrors)
            {
                return (int)await CoordinatorHost.ServeAsync(options, context.Language, context.Output, context.Error, context.Time, cancellationToken);
            }
            CoordinatorHost.Print(problems, context.Language, context.Error);
            return (int)CoordinatorExit.Usage;
        });
        return serve;
    }

    private static void Within(OptionResult result, CommandContext context)
    {
        if (result.Tokens.Count == 1 && int.TryParse(result.Tokens[0].Value, out var value) && value is < 1 or > 1_000_000) result.AddError(context.Text("serve.rate-range"));
    }
}
