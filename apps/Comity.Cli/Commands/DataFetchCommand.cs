using System.CommandLine;
using Comity.Cli.Terminal;
using Comity.Data.Fetching;
using Comity.Declarations;

namespace Comity.Cli.Commands;

/// <summary><c>comity data fetch NAME</c>: downloads a public data set, resumable, each checksum verified.</summary>
internal static class DataFetchCommand
{
    public static Command Create(Session session)
    {
        var name = new Argument<string>("NAME") { Description = session.Text("argument.dataset") };
        name.AcceptOnlyFromAmong([.. DataSetCatalog.All.Select(d => d.Id)]);
        var to = new Option<string?>("--to") { Description = session.Text("option.to"), HelpName = "DIR" };
        var mirror = new Option<Uri?>("--mirror")
        {
            Description = session.Text("option.mirror"),
            HelpName = "URL",
            CustomParser = result =>
            {
                // The folder's address ends with a slash, or the last part would be taken for a file.
                if (Uri.TryCreate(result.Tokens[0].Value.TrimEnd('/') + "/", UriKind.Absolute, out var address) && address.Scheme is "https" or "http") return address;
                result.AddError(session.Text("usage.mirror", result.Tokens[0].Value));
                return null;
            },
        };
        to.CompletionSources.Add(CommonOptions.Paths);
        var command = new Command("fetch", session.Text("data.fetch.description")) { name, to, mirror };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var set = DataSetCatalog.Find(parsed.GetRequiredValue(name))!;
            if (parsed.GetValue(mirror) is { } address) set = set with { Address = address };
            return (int)await FetchAsync(session, set, parsed.GetValue(to) ?? Path.Combine("data", set.Id), cancellationToken);
        });
        return command;
    }

    private static async Task<ExitCode> FetchAsync(Session session, DataSet set, string folder, CancellationToken cancellationToken)
    {
        session.Out.Line(session.Text("data.fetch.from", set.Title, set.Address));
        session.Out.Line(session.Text("data.fetch.licence", set.Licence, set.Citation));
        using var client = new HttpClient();
        var problems = new ProblemList();
        IReadOnlyList<string> files;
        try
        {
            files = await new DataSetFetcher(client, session.Time).FetchAsync(set, folder, problems, new Shown(session), cancellationToken);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StoppedException(ExitCode.Output, Texts.Problem("output-unwritable", Place.InFile(Path.GetFullPath(folder)), e.Message));
        }
        foreach (var file in files) session.Out.Line(session.Text("data.fetch.done", file));
        if (!problems.HasErrors) return ExitCode.Done;
        ProblemPrinter.Print(session, problems, session.Text("data.fetch.kept", Path.GetFullPath(folder)));
        return ExitCode.Download;
    }

    /// <summary>One line a second and file at most.</summary>
    private sealed class Shown(Session session) : IProgress<FetchProgress>
    {
        private long _last = session.Time.GetTimestamp();

        public void Report(FetchProgress value)
        {
            if (session.Time.GetElapsedTime(_last) < TimeSpan.FromSeconds(1)) return;
            _last = session.Time.GetTimestamp();
            session.Out.Line(session.Text("data.fetch.progress", value.File, value.Bytes / 1024, value.Total / 1024));
        }
    }
}
