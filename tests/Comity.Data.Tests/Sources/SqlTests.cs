using Comity.Data.Cleaning;
using Comity.Data.Contracts;
using Comity.Data.Sources;
using Comity.Data.Tables;
using Comity.Declarations;
using Microsoft.Data.Sqlite;
using Npgsql;

namespace Comity.Data.Tests.Sources;

public sealed class SqlTests
{
    private const string Contract = """
        label: { column: ill, positive: "true" }
        features:
          - { column: age, range: [0, 120] }
          - { column: ward, kind: category }
          - { column: seen, kind: date }
          - { column: smoker, kind: boolean }
        """;

    private const string Create = "CREATE TABLE patients (id INTEGER, age DOUBLE PRECISION, ward TEXT, seen TIMESTAMP, smoker BOOLEAN, ill TEXT)";
    private const string Insert = """
        INSERT INTO patients VALUES (3, 61.5, 'b', '2024-02-29 13:45:00', TRUE, 'true'), (1, 40, 'a', '2023-01-01 00:00:00', FALSE, 'false'), (2, NULL, NULL, NULL, NULL, 'true')
        """;

    private const string Query = "SELECT age, ward, seen, smoker, ill FROM patients ORDER BY id";

    [Fact]
    public void A_SQLite_query_gives_typed_columns_in_the_query_s_order()
    {
        using var folder = new TemporaryFolder();
        MakeSqlite(folder);

        AssertPatients(Load(new SourceSection { Sqlite = "site.db", Query = Query }, folder, new ProblemList()));
    }

    [Fact]
    public void Conditions_and_parts_hold_for_queries_too()
    {
        using var folder = new TemporaryFolder();
        MakeSqlite(folder);
        var problems = new ProblemList();
        var source = new SourceSection { Sqlite = "site.db", Query = Query };

        var one = Load(source with { Rows = [new RowsSection { Column = "ward", Values = ["b"] }] }, folder, problems)!;
        var parts = Enumerable.Range(0, 3).Select(i => Load(source with { Part = new PartSection { Index = i, Of = 3, Seed = 1 } }, folder, problems)!.SourceRows.ToArray());

        Assert.Equal([2], one.SourceRows.ToArray());
        Assert.Equal([0, 1, 2], parts.SelectMany(p => p).Order());
    }

    [Theory]
    [InlineData("SELECT age FROM nobody", "query-failed")]
    [InlineData("SELECT age, ward FROM patients", "column-unknown")]
    [InlineData("SELECT age, ward, seen, smoker, ill FROM patients WHERE id > 9", "source-empty")]
    [InlineData("DELETE FROM patients", "query-failed")]
    public void A_query_that_does_not_work_is_an_error_and_the_database_is_only_read(string query, string code)
    {
        using var folder = new TemporaryFolder();
        MakeSqlite(folder);
        var problems = new ProblemList();

        Assert.Null(Load(new SourceSection { Sqlite = "site.db", Query = query }, folder, problems));

        Assert.Contains(code, problems.Select(p => p.Code));
        Assert.Equal(3, Load(new SourceSection { Sqlite = "site.db", Query = Query }, folder, problems)!.Rows);
    }

    [Fact]
    public void A_database_that_is_not_there_is_not_made()
    {
        using var folder = new TemporaryFolder();
        var problems = new ProblemList();

        Assert.Null(Load(new SourceSection { Sqlite = "none.db", Query = Query }, folder, problems));

        Assert.Equal("source-missing", problems[0].Code);
        Assert.Empty(Directory.GetFiles(folder.Path));
    }

    [Fact]
    public void A_PostgreSQL_query_gives_the_same_table()
    {
        var connection = Environment.GetEnvironmentVariable("COMITY_POSTGRES");
        Assert.SkipUnless(!string.IsNullOrEmpty(connection), "Needs a PostgreSQL server: set COMITY_POSTGRES to a connection string (.ci/run starts one).");
        using var folder = new TemporaryFolder();
        var schema = $"comity_data_{Guid.NewGuid():N}";
        using var open = new NpgsqlConnection(connection);
        open.Open();
        Run(open, $"CREATE SCHEMA {schema}");
        try
        {
            Run(open, $"SET search_path TO {schema}");
            Run(open, Create);
            Run(open, Insert);
            var problems = new ProblemList();
            var source = new SourceSection { Postgres = "${COMITY_POSTGRES}", Query = Query.Replace("patients", $"{schema}.patients", StringComparison.Ordinal) };

            AssertPatients(Load(source, folder, problems));
            Assert.Null(Load(source with { Query = $"DELETE FROM {schema}.patients" }, folder, problems));
            Assert.Contains("query-failed", problems.Select(p => p.Code));
            AssertPatients(Load(source, folder, new ProblemList()));
        }
        finally
        {
            Run(open, $"DROP SCHEMA {schema} CASCADE");
        }
    }

    [Fact]
    public void A_connection_string_is_never_shown()
    {
        using var folder = new TemporaryFolder();
        var problems = new ProblemList();

        Load(new SourceSection { Postgres = "Host=127.0.0.1;Port=1;Username=u;Password=hunter2;Timeout=2", Query = Query }, folder, problems);
        Load(new SourceSection { Postgres = "Host=127.0.0.1;Port=1;Nonsense=hunter2", Query = Query }, folder, problems);
        Load(new SourceSection { Postgres = "Host=127.0.0.1;Password=${COMITY_NO_SUCH_SECRET}", Query = Query }, folder, problems);

        Assert.Contains("environment-unset", problems.Select(p => p.Code));
        Assert.Equal(3, problems.Count);
        Assert.All(problems, p => Assert.DoesNotContain("hunter2", p.ToString(), StringComparison.Ordinal));
        Assert.All(problems, p => Assert.DoesNotContain("Host=", p.ToString(), StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("csv: a.csv\nsqlite: b.db", "source-kind")]
    [InlineData("header: [a]", "source-kind")]
    [InlineData("sqlite: b.db", "source-query")]
    [InlineData("csv: a.csv\nquery: SELECT 1", "source-key")]
    [InlineData("sqlite: b.db\nquery: SELECT 1\nheader: [a]", "source-key")]
    [InlineData("csv: a.csv\ndelimiter: ab", "source-delimiter")]
    [InlineData("csv: a.csv\ncomment: '//'", "source-comment")]
    [InlineData("csv: a.csv\nheader: [a, a]", "column-twice")]
    [InlineData("csv: a.csv\nrows: { column: a }", "rows-values")]
    [InlineData("csv: a.csv\npart: { index: 3, of: 3 }", "part-index")]
    public void A_source_that_contradicts_itself_is_refused(string yaml, string code) =>
        Assert.Contains(code, Declared.Try<SourceSection>(yaml).Problems.Select(p => p.Code));

    private static void AssertPatients(RecordTable? table)
    {
        Assert.NotNull(table);
        Assert.Equal([40, float.NaN, 61.5f], ((NumberColumn)table["age"]).Values.ToArray());
        Assert.Equal([0, -1, 1], ((LevelColumn)table["ward"]).Codes.ToArray());
        Assert.Equal([0, -1, 1], ((LevelColumn)table["smoker"]).Codes.ToArray());
        Assert.Equal([new DateTime(2023, 1, 1).Ticks, DateColumn.MissingTicks, new DateTime(2024, 2, 29, 13, 45, 0).Ticks], ((DateColumn)table["seen"]).Ticks.ToArray());
        Assert.Equal([0, 1, 1], table.Labels.ToArray());
    }

    private static RecordTable? Load(SourceSection source, TemporaryFolder folder, ProblemList problems) =>
        RecordTable.Load(Declared.Read<ContractSection>(Contract), new CleanSection(), source, folder.Path, "site", problems);

    private static void MakeSqlite(TemporaryFolder folder)
    {
        using var connection = new SqliteConnection($"Data Source={Path.Combine(folder.Path, "site.db")};Pooling=False");
        connection.Open();
        Run(connection, Create);
        Run(connection, Insert);
    }

    private static void Run(System.Data.Common.DbConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }
}
