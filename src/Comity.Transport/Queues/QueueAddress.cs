using Comity.Declarations;

namespace Comity.Transport.Queues;

/// <summary>A RabbitMQ broker and its virtual host, as <c>amqp://user:password@host:5672/vhost</c> (or <c>amqps://</c>) names it. It may hold a password, so it is shown without one.</summary>
/// <param name="Uri">The address.</param>
/// <param name="Where">Where a person wrote it: an option or a variable of the environment.</param>
public sealed record QueueAddress(Uri Uri, string Where)
{
    /// <summary>The command line's option.</summary>
    public const string Option = "--queue";

    /// <summary>The variable of the same meaning, which no list of processes shows.</summary>
    public const string Variable = "COMITY_QUEUE";

    /// <summary>The address without user and password.</summary>
    public string Shown => $"{Uri.Scheme}://{Uri.Host}:{(Uri.Port > 0 ? Uri.Port : Uri.Scheme == "amqps" ? 5671 : 5672)}{Uri.AbsolutePath}";

    /// <summary>Whether the connection is encrypted.</summary>
    public bool IsEncrypted => Uri.Scheme == "amqps";

    /// <summary>The address that the command line gives, else the environment; null: neither does, or it can't be read.</summary>
    /// <param name="args">The command line.</param>
    /// <param name="environment">Variables of the environment by name.</param>
    /// <param name="problems">Takes what is wrong.</param>
    public static QueueAddress? Of(IReadOnlyList<string> args, Func<string, string?> environment, ProblemList problems)
    {
        ArgumentNullException.ThrowIfNull(args);
        ArgumentNullException.ThrowIfNull(environment);
        for (var i = 0; i < args.Count; i++)
        {
            if (args[i] == Option && i + 1 < args.Count) return Read(args[i + 1], Option, problems);
            if (args[i].StartsWith(Option + "=", StringComparison.Ordinal)) return Read(args[i][(Option.Length + 1)..], Option, problems);
        }
        return environment(Variable) is { Length: > 0 } text ? Read(text, Variable, problems) : null;
    }

    /// <summary>Reads an address; what can't be read is never repeated, as it may hold a password.</summary>
    /// <param name="text">The address as it was written.</param>
    /// <param name="where">Where it was written.</param>
    /// <param name="problems">Takes what is wrong.</param>
    /// <returns>Null with a problem where it is none.</returns>
    public static QueueAddress? Read(string text, string where, ProblemList problems)
    {
        ArgumentNullException.ThrowIfNull(problems);
        if (Uri.TryCreate(text, UriKind.Absolute, out var uri) && uri.Scheme is "amqp" or "amqps" && uri!.Host.Length > 0 && uri.Query.Length == 0 && uri.Fragment.Length == 0) return new(uri, where);
        problems.Add(new Problem(Messages.Catalog, "queue-unreadable", new Place(where, 0, 0, "")));
        return null;
    }

    /// <summary>Without the password: records print all they hold.</summary>
    public override string ToString() => Shown;
}
