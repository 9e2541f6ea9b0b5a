using System.CommandLine;
using Comity.Cli.Commands;
using Comity.Declarations;
using Comity.Transport.Queues;
using Comity.Transport.Stores;

namespace Comity.Cli.Spreading;

/// <summary>Queue and store that a run and its workers share.</summary>
internal sealed class SpreadOptions
{
    public SpreadOptions(Session session)
    {
        // Without a value the variable of the environment is meant, which no list of processes shows.
        Queue = new Option<string?>(QueueAddress.Option) { Description = session.Text("option.queue", QueueAddress.Variable), HelpName = "amqp://…", Arity = ArgumentArity.ZeroOrOne };
        Store = new Option<string?>(StoreAddress.Option) { Description = session.Text("option.trial-store", StoreAddress.Variable), HelpName = "postgres://…" };
    }

    public Option<string?> Queue { get; }

    public Option<string?> Store { get; }

    public void AddTo(Command command)
    {
        command.Options.Add(Queue);
        command.Options.Add(Store);
    }

    /// <summary>Whether the command line asks for a queue.</summary>
    public bool IsAsked(ParseResult parsed) => parsed.GetResult(Queue) is not null;

    /// <summary>Both addresses.</summary>
    /// <exception cref="StoppedException">Exit code 2: one is missing, or can't be read.</exception>
    public (QueueAddress Queue, StoreAddress Store) Read(Session session, ParseResult parsed)
    {
        var problems = new ProblemList();
        var queue = Named(parsed.GetValue(Queue), QueueAddress.Option, QueueAddress.Variable, "queue-missing", (text, place) => QueueAddress.Read(text, place, problems));
        var store = Named(parsed.GetValue(Store), StoreAddress.Option, StoreAddress.Variable, "trial-store-missing", (text, place) => StoreAddress.Read(text, place, "comity", problems));
        if (queue is null || store is null) throw new StoppedException(ExitCode.Usage, problems);
        return (queue, store);

        T? Named<T>(string? given, string option, string variable, string missing, Func<string, string, T?> read) where T : class
        {
            if (!string.IsNullOrEmpty(given)) return read(given, option);
            if (session.Environment(variable) is { Length: > 0 } text) return read(text, variable);
            problems.Add(Texts.Problem(missing, new Place(option, 0, 0, "")));
            return null;
        }
    }
}
