using Comity.Testing;
using Microsoft.Data.Sqlite;

namespace Comity.EndToEnd.Tests;

/// <summary>Logs and ledgers of a real run, changed as somebody would who wants less to be known: each is refused by the commands that people type, with place and remedy.</summary>
public sealed class EditedRecordsTests
{
    [Fact]
    public async Task Edited_logs_and_ledgers_of_a_run_are_found_and_nothing_is_charged_to_an_edited_ledger()
    {
        using var study = new SmallStudy(study: y => PrivateStudyTests.Private(y).Replace("rounds: 200", "rounds: 2", StringComparison.Ordinal).Replace("rounds: 8", "rounds: 2", StringComparison.Ordinal));
        var run = await Cli.RunAsync(study.Folder, "run", ".", "--out", "out", "--ledger", "clinic.ledger");
        Assert.True(run.ExitCode == 0, run.ToString());
        var log = study.At("out", "audit", "north.jsonl");
        var lines = await File.ReadAllLinesAsync(log, TestContext.Current.CancellationToken);
        var whole = await Cli.RunAsync(study.Folder, "audit", "verify", log);
        Assert.True(whole.ExitCode == 0, whole.ToString());
        Assert.Contains("nothing was changed, removed, repeated or moved", whole.Output, StringComparison.Ordinal);

        // A log without its end holds as far as it goes, which is said, and the peer's log finds it.
        await WriteAsync(log, lines[..^3]);
        var cut = await Cli.RunAsync(study.Folder, "audit", "verify", log);
        Assert.True(cut.ExitCode == 0, cut.ToString());
        Assert.Contains("only a peer's log can tell", cut.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("The log holds", cut.Output, StringComparison.Ordinal);
        var apart = await Cli.RunAsync(study.Folder, "audit", "reconcile", "out/audit.jsonl", "out/audit/north.jsonl");
        Assert.True(apart.ExitCode == 8, apart.ToString());
        Assert.Contains("audit-rolled-back", apart.Error, StringComparison.Ordinal);

        var at = Array.FindIndex(lines, l => l.Contains("\"kind\":\"update\"", StringComparison.Ordinal));
        await WriteAsync(log, [.. lines[..at], lines[at].Replace("\"bytes\":", "\"bytes\":1", StringComparison.Ordinal), .. lines[(at + 1)..]]);
        var edited = await Cli.RunAsync(study.Folder, "audit", "verify", log);
        Assert.True(edited.ExitCode == 8, edited.ToString());
        Assert.Contains($"north.jsonl:{at + 1}:", edited.Error, StringComparison.Ordinal);
        // It is exported all the same, but not to where nothing can be written.
        Assert.Equal(8, (await Cli.RunAsync(study.Folder, "audit", "export", log, "--format", "csv", "--out", "exported.csv")).ExitCode);
        Assert.Equal(lines.Length + 1, (await File.ReadAllLinesAsync(study.At("exported.csv"), TestContext.Current.CancellationToken)).Length);
        var unwritable = await Cli.RunAsync(study.Folder, "audit", "export", log, "--out", "study.yaml/north.csv");
        Assert.True(unwritable.ExitCode == 4, unwritable.ToString());
        Assert.Contains("file-unwritable", unwritable.Error, StringComparison.Ordinal);

        // A ledger from which charges were taken would allow to spend them again.
        using (var connection = new SqliteConnection($"Data Source={study.At("clinic.ledger")};Pooling=false"))
        {
            connection.Open();
            using var edit = connection.CreateCommand();
            edit.CommandText = "DELETE FROM charges WHERE rowid > 1";
            Assert.True(edit.ExecuteNonQuery() > 0);
        }
        foreach (var command in new[]
        {
            new[] { "run", ".", "--out", "second", "--ledger", "clinic.ledger", "--seed", "4" },
            ["privacy", "ledger", "clinic.ledger"],
            ["privacy", "budget", "clinic.ledger", "--data-set", "north", "--epsilon", "8", "--delta", "1e-4"],
        })
        {
            var refused = await Cli.RunAsync(study.Folder, command);
            Assert.True(refused.ExitCode == 3, refused.ToString());
            Assert.Contains("clinic.ledger: error [ledger-edited]", refused.Error, StringComparison.Ordinal);
            Assert.Contains("backup", refused.Error, StringComparison.Ordinal);
        }
        Assert.False(File.Exists(study.At("second", "results.json")));

        File.WriteAllText(study.At("none.ledger"), new string('x', 3000));
        var none = await Cli.RunAsync(study.Folder, "privacy", "ledger", "none.ledger");
        Assert.True(none.ExitCode == 3, none.ToString());
        Assert.Contains("ledger-unreadable", none.Error, StringComparison.Ordinal);
    }

    private static Task WriteAsync(string log, string[] lines) => File.WriteAllTextAsync(log, string.Join('\n', lines) + "\n", TestContext.Current.CancellationToken);
}
