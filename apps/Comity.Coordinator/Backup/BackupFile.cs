using System.Formats.Tar;
using System.Text.Json;
using Comity.Coordinator.Identity;
using Microsoft.Data.Sqlite;

namespace Comity.Coordinator.Backup;

/// <summary>What a backup says of itself.</summary>
/// <param name="Version">Form of the file; 1.</param>
/// <param name="Schema">Schema of the database in it.</param>
/// <param name="TakenAt">When it was begun.</param>
/// <param name="Authority">Fingerprint of the authority's key.</param>
internal sealed record BackupInfo(int Version, int Schema, DateTimeOffset TakenAt, string Authority);

/// <summary>A coordinator's whole state as one tar file, taken while the server runs.</summary>
/// <remarks>
/// Databases first, each by SQLite's online backup, so that each is one consistent moment; then the files beside them. A file is written
/// before the row that names it, so every row of the backup finds its file. Half-received bodies are left out: sites send them again. So is what is only kept to be written over.
/// </remarks>
internal static class BackupFile
{
    private const string InfoName = "backup.json";
    private const string Database = ".sqlite";

    /// <summary>Takes a backup; it appears whole or not at all, readable by its owner only: it holds the authority's key.</summary>
    public static void Take(string folder, string path, BackupInfo info)
    {
        var draft = path + ".unfinished";
        var copies = Directory.CreateTempSubdirectory("comity-backup-");
        try
        {
            var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write };
            if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            using (var file = new FileStream(draft, options))
            {
                using (var tar = new TarWriter(file, TarEntryFormat.Pax, leaveOpen: true))
                {
                    Add(tar, InfoName, new MemoryStream(JsonSerializer.SerializeToUtf8Bytes(info, JsonSerializerOptions.Web)));
                    foreach (var database in Files(folder).Where(f => f.EndsWith(Database, StringComparison.Ordinal)))
                    {
                        var copy = Path.Combine(copies.FullName, "copy" + Database);
                        Copy(Path.Combine(folder, database), copy);
                        using var stream = File.OpenRead(copy);
                        Add(tar, database, stream);
                    }
                    foreach (var other in Files(folder).Where(f => !f.EndsWith(Database, StringComparison.Ordinal))) AddIfThere(tar, folder, other);
                }
                file.Flush(flushToDisk: true);
            }
            File.Move(draft, path, overwrite: false);
        }
        finally
        {
            copies.Delete(recursive: true);
            File.Delete(draft);
        }
    }

    /// <summary>Unpacks a backup into a folder that is not there yet.</summary>
    /// <exception cref="InvalidDataException">It is no backup, or it is damaged.</exception>
    public static BackupInfo Restore(string path, string folder)
    {
        var draft = folder.TrimEnd(Path.DirectorySeparatorChar) + ".restoring";
        if (Directory.Exists(draft)) Directory.Delete(draft, recursive: true);
        if (OperatingSystem.IsWindows()) Directory.CreateDirectory(draft);
        else Directory.CreateDirectory(draft, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        try
        {
            TarFile.ExtractToDirectory(path, draft, overwriteFiles: false); // refuses entries that lead out of the folder
            var infoPath = Path.Combine(draft, InfoName);
            var info = File.Exists(infoPath) ? JsonSerializer.Deserialize<BackupInfo>(File.ReadAllText(infoPath), JsonSerializerOptions.Web) : null;
            if (info is not { Version: 1 } || !CertificateAuthority.Exists(draft) || !CoordinatorDatabase.Exists(draft)) throw new InvalidDataException("It is not a backup of a coordinator.");
            foreach (var database in Files(draft).Where(f => f.EndsWith(Database, StringComparison.Ordinal))) Check(Path.Combine(draft, database));
            File.Delete(infoPath);
            if (Directory.Exists(folder)) Directory.Delete(folder); // empty, or this throws
            Directory.Move(draft, folder);
            return info;
        }
        catch (Exception e) when (e is SqliteException or JsonException or FormatException or EndOfStreamException)
        {
            throw new InvalidDataException(e.Message, e);
        }
        finally
        {
            if (Directory.Exists(draft)) Directory.Delete(draft, recursive: true);
        }
    }

    private static IEnumerable<string> Files(string folder) => Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories)
        .Select(f => Path.GetRelativePath(folder, f).Replace('\\', '/'))
        .Where(f => !f.EndsWith("-wal", StringComparison.Ordinal) && !f.EndsWith("-shm", StringComparison.Ordinal) && !f.EndsWith(".lock", StringComparison.Ordinal) && !f.EndsWith("/lock", StringComparison.Ordinal) && !f.StartsWith("studies/uploads/", StringComparison.Ordinal) && !f.Contains("/state/spare/", StringComparison.Ordinal))
        .Order(StringComparer.Ordinal);

    private static void Copy(string from, string to)
    {
        File.Delete(to);
        using var source = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = from, Pooling = false, Mode = SqliteOpenMode.ReadWrite }.ToString());
        using var target = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = to, Pooling = false }.ToString());
        source.Open();
        target.Open();
        source.BackupDatabase(target);
    }

    private static void Check(string database)
    {
        using var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = database, Pooling = false }.ToString());
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "PRAGMA integrity_check";
        if (command.ExecuteScalar() as string != "ok") throw new InvalidDataException($"{Path.GetFileName(database)} is damaged.");
    }

    private static void AddIfThere(TarWriter tar, string folder, string name)
    {
        try
        {
            using var stream = new FileStream(Path.Combine(folder, name), FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            Add(tar, name, new FirstBytes(stream));
        }
        catch (FileNotFoundException)
        {
            // A round that is over was cleared away in the meantime: no row of the backup needs it to go on.
        }
    }

    private static void Add(TarWriter tar, string name, Stream stream) => tar.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, name)
    {
        DataStream = stream,
        Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
    });

    /// <summary>A file as long as it was when it was opened, whatever is written to it meanwhile: a tar entry's length stands before it.</summary>
    private sealed class FirstBytes(FileStream file) : Stream
    {
        private readonly long _length = file.Length;
        private long _position;

        public override bool CanRead => true;

        public override bool CanSeek => true;

        public override bool CanWrite => false;

        public override long Length => _length;

        public override long Position { get => _position; set => throw new NotSupportedException(); }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override int Read(Span<byte> buffer)
        {
            buffer = buffer[..(int)Math.Min(buffer.Length, _length - _position)];
            var read = file.Read(buffer);
            if (read == 0 && buffer.Length > 0) throw new EndOfStreamException("A file became shorter while it was read.");
            _position += read;
            return read;
        }

        public override void Flush() { }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
