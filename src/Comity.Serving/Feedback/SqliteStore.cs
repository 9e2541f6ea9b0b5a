using System.Data.Common;
using Microsoft.Data.Sqlite;

namespace Comity.Serving.Feedback;

/// <summary>A market's store in one SQLite file: nothing to install. WAL with <c>synchronous=FULL</c>: each commit is on the disk before it is acknowledged.</summary>
internal sealed record SqliteStore(string Folder) : StoreAddress
{
    public const string FileName = "market.sqlite";

    private string File => Path.Combine(Folder, FileName);

    public override bool Exists() => System.IO.File.Exists(File);

    public override string ToString() => File;

    internal override byte[] OpenAnswerKey(string folder) => AnswerKey.OpenOrCreate(Path.Combine(folder, "answers.key"));

    internal override DbConnection OpenToRead() => Open(SqliteOpenMode.ReadOnly);

    internal override DbConnection OpenToWrite()
    {
        Directory.CreateDirectory(Folder);
        var connection = Open(SqliteOpenMode.ReadWriteCreate);
        using var command = connection.CreateCommand();
        command.CommandText = """
            PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;
            CREATE TABLE IF NOT EXISTS feedback (
              sequence INTEGER PRIMARY KEY AUTOINCREMENT, answer TEXT NOT NULL, digest TEXT NOT NULL, model TEXT NOT NULL, version TEXT NOT NULL,
              answered INTEGER NOT NULL, received INTEGER NOT NULL, groups TEXT NOT NULL, outputs BLOB NOT NULL, label TEXT, rating INTEGER, comment TEXT,
              UNIQUE (answer, digest));
            CREATE TABLE IF NOT EXISTS erased (answer TEXT PRIMARY KEY) WITHOUT ROWID;
            CREATE TABLE IF NOT EXISTS windows (sequence INTEGER PRIMARY KEY AUTOINCREMENT, model TEXT NOT NULL, version TEXT NOT NULL, ended INTEGER NOT NULL, json TEXT NOT NULL);
            CREATE INDEX IF NOT EXISTS feedback_received ON feedback (received);
            """;
        command.ExecuteNonQuery();
        return connection;
    }

    internal override DbTransaction Begin(DbConnection connection) => ((SqliteConnection)connection).BeginTransaction(deferred: false);

    private SqliteConnection Open(SqliteOpenMode mode)
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = File, Mode = mode, Pooling = false, DefaultTimeout = 10 }.ToString());
        connection.Open();
        return connection;
    }
}
