using System.Text.RegularExpressions;
using Comity.Declarations;
using Npgsql;

namespace Comity.Transport.Stores;

/// <summary>A schema of a PostgreSQL database in which state lies that machines share. It may hold a password, so it is shown without one.</summary>
/// <param name="Connection">Npgsql's connection string.</param>
/// <param name="Schema">The schema; made at the first start.</param>
/// <param name="Place">Where a person wrote the address: an option or a variable of the environment.</param>
public sealed partial record StoreAddress(string Connection, string Schema, string Place)
{
    /// <summary>The command line's option.</summary>
    public const string Option = "--store";

    /// <summary>The variable of the same meaning, which no list of processes shows.</summary>
    public const string Variable = "COMITY_STORE";

    private const string SchemaKey = "schema";
    private const string DefaultSchema = "comity";

    /// <summary>The address without user and password.</summary>
    public string Shown
    {
        get
        {
            var builder = new NpgsqlConnectionStringBuilder(Connection);
            return $"postgres://{builder.Host}:{builder.Port}/{builder.Database}{(Schema == DefaultSchema ? "" : $"?{SchemaKey}={Schema}")}";
        }
    }

    /// <summary>As <c>pg_dump</c> takes it: with the user, without the password.</summary>
    public string ForTools
    {
        get
        {
            var builder = new NpgsqlConnectionStringBuilder(Connection);
            var user = string.IsNullOrEmpty(builder.Username) ? "" : Uri.EscapeDataString(builder.Username) + "@";
            // A folder of sockets is no host of a URL.
            return builder.Host is { } host && host.StartsWith('/') ? $"postgres://{user}/{builder.Database}?host={Uri.EscapeDataString(host)}&port={builder.Port}" : $"postgres://{user}{builder.Host}:{builder.Port}/{builder.Database}";
        }
    }

    /// <summary>The address that the command line gives, else the environment; null: neither does.</summary>
    /// <param name="args">The command line.</param>
    /// <param name="environment">Variables of the environment by name.</param>
    /// <param name="program">Who connects, as an administrator of the database sees it.</param>
    /// <param name="problems">Takes what is wrong.</param>
    public static StoreAddress? Of(IReadOnlyList<string> args, Func<string, string?> environment, string program, ProblemList problems)
    {
        ArgumentNullException.ThrowIfNull(args);
        ArgumentNullException.ThrowIfNull(environment);
        for (var i = 0; i < args.Count; i++)
        {
            if (args[i] == Option && i + 1 < args.Count) return Read(args[i + 1], Option, program, problems);
            if (args[i].StartsWith(Option + "=", StringComparison.Ordinal)) return Read(args[i][(Option.Length + 1)..], Option, program, problems);
        }
        return environment(Variable) is { Length: > 0 } text ? Read(text, Variable, program, problems) : null;
    }

    /// <summary>Reads <c>postgres://user:password@host:port/database?schema=name</c> or a connection string of Npgsql; what can't be read is never repeated, as it may hold a password.</summary>
    /// <param name="text">The address as it was written.</param>
    /// <param name="place">Where it was written.</param>
    /// <param name="program">Who connects, as an administrator of the database sees it.</param>
    /// <param name="problems">Takes what is wrong.</param>
    /// <returns>Null with a problem where it is none.</returns>
    public static StoreAddress? Read(string text, string place, string program, ProblemList problems)
    {
        ArgumentNullException.ThrowIfNull(text);
        ArgumentNullException.ThrowIfNull(problems);
        try
        {
            var schema = DefaultSchema;
            var builder = text.Contains("://", StringComparison.Ordinal) ? OfUrl(text, ref schema) : new NpgsqlConnectionStringBuilder(text);
            if (builder.SearchPath is { Length: > 0 } path) schema = path;
            if (builder is { Host.Length: > 0, Database.Length: > 0 } && SchemaPattern().IsMatch(schema))
            {
                builder.SearchPath = schema;
                builder.ApplicationName ??= program; // who looks at the database's connections sees whose they are
                builder.Timeout = Math.Min(builder.Timeout, 5);
                builder.KeepAlive = 10;
                builder.MaxPoolSize = Math.Min(builder.MaxPoolSize, 30);
                builder.IncludeErrorDetail = false; // it would carry rows into logs
                return new(builder.ConnectionString, schema, place);
            }
        }
        catch (Exception e) when (e is ArgumentException or FormatException or KeyNotFoundException or UriFormatException)
        {
            // Said below, without the text.
        }
        problems.Add(new Problem(Messages.Catalog, "store-unreadable", new Place(place, 0, 0, ""), DefaultSchema));
        return null;
    }

    /// <summary>Without the password: records print all they hold.</summary>
    public override string ToString() => Shown;

    private static NpgsqlConnectionStringBuilder OfUrl(string text, ref string schema)
    {
        // postgres:///database?host=/folder names a folder of sockets; no URL of .NET's may be without a host.
        var socket = text.Contains(":///", StringComparison.Ordinal) || text.Contains("@/", StringComparison.Ordinal);
        var url = new Uri(socket ? text.Replace(":///", "://localhost/", StringComparison.Ordinal).Replace("@/", "@localhost/", StringComparison.Ordinal) : text);
        if (url.Scheme is not ("postgres" or "postgresql")) throw new UriFormatException();
        var builder = new NpgsqlConnectionStringBuilder { Host = url.Host, Port = url.Port > 0 ? url.Port : 5432 };
        if (url.AbsolutePath.Trim('/') is { Length: > 0 } database) builder.Database = Uri.UnescapeDataString(database);
        var user = url.UserInfo.Split(':', 2);
        if (user[0].Length > 0) builder.Username = Uri.UnescapeDataString(user[0]);
        if (user.Length > 1) builder.Password = Uri.UnescapeDataString(user[1]);
        foreach (var pair in url.Query.TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var parts = pair.Split('=', 2);
            var (key, value) = (Uri.UnescapeDataString(parts[0]), Uri.UnescapeDataString(parts.ElementAtOrDefault(1) ?? ""));
            if (key == SchemaKey) schema = value;
            else if (key == "sslmode") builder.SslMode = Enum.Parse<SslMode>(value.Replace("-", "", StringComparison.Ordinal), ignoreCase: true);
            else builder[key == "user" ? "username" : key] = value; // as libpq calls it
        }
        return builder;
    }

    // The name becomes part of statements.
    [GeneratedRegex("^[a-z_][a-z0-9_]{0,62}\\z")]
    private static partial Regex SchemaPattern();
}
