using Comity.Federation.Stores;
using Npgsql;

namespace Comity.Coordinator.Storage;

/// <summary>Bodies of one study in rows of at most 8 MiB, streamed from a file and into one.</summary>
/// <param name="store">The store.</param>
/// <param name="study">The study.</param>
/// <param name="under">What stands before every name.</param>
/// <param name="patient">Whether to wait for a database that went away.</param>
internal sealed class PostgresBodies(PostgresStore store, string study, string under, bool patient = true) : IBodyStore
{
    // A quarter of what a row may hold: the driver and the server each hold a row as a whole, some of them twice.
    private const int PartBytes = 2 << 20;

    /// <inheritdoc/>
    public void Keep(string name, string file, string note) => Again(() => store.Transact(connection =>
    {
        using var from = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 1);
        Execute(connection, "DELETE FROM bodies WHERE study = @s AND name = @n", ("s", study), ("n", under + name));
        using var insert = Command(connection, "INSERT INTO bodies (study, name, length, note) VALUES (@s, @n, @l, @t) RETURNING id", ("s", study), ("n", under + name), ("l", from.Length), ("t", note));
        var id = (long)insert.ExecuteScalar()!;
        var part = new byte[(int)Math.Min(PartBytes, from.Length)];
        for (var number = 0; from.Position < from.Length; number++)
        {
            var read = from.ReadAtLeast(part, part.Length, throwOnEndOfStream: false);
            if (read == 0) break;
            Execute(connection, "INSERT INTO body_parts VALUES (@b, @p, @d)", ("b", id), ("p", number), ("d", new ArraySegment<byte>(part, 0, read)));
        }
        return 0;
    }));

    /// <inheritdoc/>
    public bool Fetch(string name, string file) => Again(() =>
    {
        using var connection = store.Connect();
        using var find = Command(connection, "SELECT id, length FROM bodies WHERE study = @s AND name = @n", ("s", study), ("n", under + name));
        long id, length;
        using (var found = find.ExecuteReader())
        {
            if (!found.Read()) return false;
            (id, length) = (found.GetInt64(0), found.GetInt64(1));
        }
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        var partial = file + ".part";
        using (var to = new FileStream(partial, FileMode.Create, FileAccess.Write))
        {
            // Row by row: a reader over all of them would have the server send them while the disk is slow.
            for (var number = 0; to.Length < length; number++)
            {
                using var read = Command(connection, "SELECT bytes FROM body_parts WHERE body = @b AND part = @p", ("b", id), ("p", number));
                if (read.ExecuteScalar() is not byte[] bytes) throw new InvalidDataException($"A part of {name} is missing in the database.");
                to.Write(bytes);
            }
        }
        File.Move(partial, file, overwrite: true);
        return true;
    });

    /// <inheritdoc/>
    public IReadOnlyList<KeyValuePair<string, string>> List(string prefix) => Again(() =>
    {
        using var connection = store.Connect();
        using var command = Command(connection, "SELECT name, note FROM bodies WHERE study = @s AND starts_with(name, @n) ORDER BY id", ("s", study), ("n", under + prefix));
        using var reader = command.ExecuteReader();
        var names = new List<KeyValuePair<string, string>>();
        while (reader.Read()) names.Add(new(reader.GetString(0)[under.Length..], reader.GetString(1)));
        return names;
    });

    /// <inheritdoc/>
    public void Delete(string prefix) => Again(() => store.Transact(connection =>
        Execute(connection, "DELETE FROM bodies WHERE study = @s AND starts_with(name, @n)", ("s", study), ("n", under + prefix))));

    private T Again<T>(Func<T> work)
    {
        for (var tries = 0; ; tries++)
        {
            try
            {
                return work();
            }
            catch (Exception e) when (StoreFailure.Passes(e))
            {
                store.WaitAfter(e, tries, patient);
            }
        }
    }

    private static int Execute(NpgsqlConnection connection, string sql, params ReadOnlySpan<(string Name, object Value)> values)
    {
        using var command = Command(connection, sql, values);
        return command.ExecuteNonQuery();
    }

    private static NpgsqlCommand Command(NpgsqlConnection connection, string sql, params ReadOnlySpan<(string Name, object Value)> values)
    {
        var command = new NpgsqlCommand(sql, connection);
        foreach (var (name, value) in values) command.Parameters.AddWithValue(name, value);
        return command;
    }
}
