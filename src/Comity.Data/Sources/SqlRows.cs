using System.Data.Common;
using System.Globalization;
using Comity.Data.Tables;
using Comity.Declarations;
using Microsoft.Data.Sqlite;
using Npgsql;

namespace Comity.Data.Sources;

/// <summary>Reads the result of a query to SQLite or PostgreSQL. The database is opened for reading only.</summary>
internal static class SqlRows
{
    public static bool Read(SourceSection source, string baseFolder, TableBuilder builder, ProblemList problems, CancellationToken cancellationToken)
    {
        var name = source.Sqlite ?? "postgres";
        var declared = source.Sqlite ?? source.Postgres!;
        if (EnvironmentText.Expand(declared, out var unset) is not { } expanded)
        {
            problems.Add(Messages.Problem("environment-unset", Place.InFile(name), unset));
            return false;
        }
        if (source.Sqlite is not null && !File.Exists(Path.Combine(baseFolder, expanded)))
        {
            problems.Add(Messages.Problem("source-missing", Place.InFile(name), source.Sqlite));
            return false;
        }
        try
        {
            using var connection = Open(source, Path.Combine(baseFolder, expanded), expanded);
            connection.Open();
            return ReadQuery(connection, source, name, builder, problems, cancellationToken);
        }
        catch (DbException e)
        {
            problems.Add(Messages.Problem("query-failed", Place.InFile(name), Told(e)));
        }
        catch (Exception e) when (e is ArgumentException or FormatException or System.Net.Sockets.SocketException or TimeoutException)
        {
            // The text of such an error may quote the connection string, password and all.
            problems.Add(Messages.Problem("connection-failed", Place.InFile(name), e.GetType().Name));
        }
        return false;
    }

    private static DbConnection Open(SourceSection source, string path, string connection)
    {
        if (source.Sqlite is null) return new NpgsqlConnection(connection);
        var builder = new SqliteConnectionStringBuilder { DataSource = path, Mode = SqliteOpenMode.ReadOnly, Pooling = false };
        return new SqliteConnection(builder.ConnectionString);
    }

    private static bool ReadQuery(DbConnection connection, SourceSection source, string name, TableBuilder builder, ProblemList problems, CancellationToken cancellationToken)
    {
        using var command = connection.CreateCommand();
        if (source.Postgres is not null)
        {
            using var readOnly = connection.CreateCommand();
            readOnly.CommandText = "SET default_transaction_read_only = on";
            readOnly.ExecuteNonQuery();
        }
        command.CommandText = source.Query;
        using var cancel = cancellationToken.Register(static c => ((DbCommand)c!).Cancel(), command);
        using var reader = command.ExecuteReader();
        var header = Enumerable.Range(0, reader.FieldCount).Select(reader.GetName).ToArray();
        foreach (var twice in header.GroupBy(h => h, StringComparer.Ordinal).Where(g => g.Count() > 1))
            problems.Add(Messages.Problem("header-twice", Place.InFile(name), twice.Key));
        if (!builder.Bind(header, name, problems) || RowFilter.Bind(source.Rows, header, name, problems) is not { } filters) return false;
        var chosen = source.Part is null ? null : new List<string[]>();
        var record = 0;
        var records = new List<int>();
        for (; reader.Read(); record++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (!filters.All(f => f.Matches(System.Text.Encoding.UTF8.GetBytes(Text(reader.GetValue(f.Field)))))) continue;
            if (chosen is null)
            {
                builder.Add(field => Text(reader.GetValue(field)), record);
                continue;
            }
            records.Add(record);
            chosen.Add([.. Enumerable.Range(0, header.Length).Select(i => Text(reader.GetValue(i)))]);
        }
        if (chosen is not null)
            foreach (var i in source.Part!.RowsOf(records.Count)) builder.Add(field => chosen[i][field], records[i]);
        builder.EndOfFile(record);
        return true;
    }

    private static string Text(object value) => value switch
    {
        DBNull => "",
        string text => text,
        bool yes => yes ? "true" : "false",
        DateTime date => date.ToString("yyyy-MM-dd'T'HH:mm:ss.FFFFFFF", CultureInfo.InvariantCulture),
        DateOnly date => date.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
        double number => number.ToString("R", CultureInfo.InvariantCulture),
        IFormattable other => other.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString() ?? "",
    };

    // A server's own message names tables and columns, never the connection string; a client's may name the host.
    private static string Told(DbException e) => e is PostgresException server ? $"{server.SqlState} {server.MessageText}" : e is SqliteException ? e.Message : e.GetType().Name;
}
