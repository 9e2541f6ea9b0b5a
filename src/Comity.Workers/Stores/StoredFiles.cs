using System.Security.Cryptography;
using Npgsql;

namespace Comity.Workers.Stores;

/// <summary>Files of a run in rows of at most 8 MiB, streamed from the disk and onto it, each with its SHA-256.</summary>
internal sealed class StoredFiles(NpgsqlDataSource source)
{
    // A quarter of what a row may hold: the driver and the server each hold a row as a whole, some of them twice.
    private const int PartBytes = 2 << 20;

    /// <summary>Keeps a file, unless the same is there already. Whole when this returns, or not at all.</summary>
    public async Task KeepAsync(string run, string name, string path, CancellationToken cancellationToken)
    {
        await using var from = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1, FileOptions.Asynchronous);
        var sha256 = Convert.ToHexStringLower(await SHA256.HashDataAsync(from, cancellationToken));
        from.Position = 0;
        await using var connection = await source.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        // Several orders need the same file, which one of them brings.
        await using var alone = Sql.Command(connection, "SELECT pg_advisory_xact_lock(hashtextextended(@a, 0))", $"{run}/{name}");
        await alone.ExecuteNonQueryAsync(cancellationToken);
        await using var find = Sql.Command(connection, "SELECT 1 FROM trial_files WHERE run = @a AND name = @b AND sha256 = @c", run, name, sha256);
        if (await find.ExecuteScalarAsync(cancellationToken) is not null) return;
        await using var insert = Sql.Command(connection,
            "DELETE FROM trial_files WHERE run = @a AND name = @b; INSERT INTO trial_files (run, name, length, sha256) VALUES (@a, @b, @c, @d) RETURNING id", run, name, from.Length, sha256);
        var id = (long)(await insert.ExecuteScalarAsync(cancellationToken))!;
        var part = new byte[(int)Math.Min(PartBytes, from.Length)];
        for (var number = 0; from.Position < from.Length; number++)
        {
            var read = await from.ReadAtLeastAsync(part, part.Length, throwOnEndOfStream: false, cancellationToken);
            if (read == 0) break;
            await using var write = Sql.Command(connection, "INSERT INTO trial_file_parts VALUES (@a, @b, @c)", id, number, new ArraySegment<byte>(part, 0, read));
            await write.ExecuteNonQueryAsync(cancellationToken);
        }
        await transaction.CommitAsync(cancellationToken);
    }

    /// <summary>Writes a file onto the disk.</summary>
    /// <exception cref="InvalidDataException">It is not in the store, or its digest is another.</exception>
    public async Task FetchAsync(string run, string name, string path, CancellationToken cancellationToken)
    {
        await using var connection = await source.OpenConnectionAsync(cancellationToken);
        await using var find = Sql.Command(connection, "SELECT id, length, sha256 FROM trial_files WHERE run = @a AND name = @b", run, name);
        long id, length;
        string sha256;
        await using (var found = await find.ExecuteReaderAsync(cancellationToken))
        {
            if (!await found.ReadAsync(cancellationToken)) throw new InvalidDataException($"{name} is not in the store.");
            (id, length, sha256) = (found.GetInt64(0), found.GetInt64(1), found.GetString(2));
        }
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        var partial = path + ".part";
        using (var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256))
        {
            await using var to = new FileStream(partial, FileMode.Create, FileAccess.Write, FileShare.None, 1, FileOptions.Asynchronous);
            // Row by row: a reader over all of them would have the server send them while the disk is slow.
            for (var number = 0; to.Length < length; number++)
            {
                await using var read = Sql.Command(connection, "SELECT bytes FROM trial_file_parts WHERE file = @a AND part = @b", id, number);
                if (await read.ExecuteScalarAsync(cancellationToken) is not byte[] bytes) throw new InvalidDataException($"A part of {name} is missing in the store.");
                hash.AppendData(bytes);
                await to.WriteAsync(bytes, cancellationToken);
            }
            if (Convert.ToHexStringLower(hash.GetHashAndReset()) != sha256) throw new InvalidDataException($"{name} in the store has another digest than when it was written.");
        }
        File.Move(partial, path, overwrite: true);
    }

    /// <summary>Names that begin alike.</summary>
    public async Task<IReadOnlyList<string>> ListAsync(string run, string prefix, CancellationToken cancellationToken)
    {
        await using var connection = await source.OpenConnectionAsync(cancellationToken);
        await using var command = Sql.Command(connection, "SELECT name FROM trial_files WHERE run = @a AND starts_with(name, @b) ORDER BY name", run, prefix);
        await using var rows = await command.ExecuteReaderAsync(cancellationToken);
        var names = new List<string>();
        while (await rows.ReadAsync(cancellationToken)) names.Add(rows.GetString(0));
        return names;
    }

    /// <summary>Forgets all whose names begin alike.</summary>
    public async Task DeleteAsync(string run, string prefix, CancellationToken cancellationToken)
    {
        await using var connection = await source.OpenConnectionAsync(cancellationToken);
        await using var command = Sql.Command(connection, "DELETE FROM trial_files WHERE run = @a AND starts_with(name, @b)", run, prefix);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
