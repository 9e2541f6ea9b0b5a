using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Comity.Federation.Stores;

namespace Comity.Federation.Privacy;

/// <summary>What a ledger's file says of itself, so that whoever edits it with another program is found before anything is charged to it again.</summary>
/// <remarks>
/// <code>
/// charges: a chain over all of them in their order          rest: SHA-256 over accounts, what they reserved, and budgets
/// </code>
/// Both are written in the transaction that changes what they are of. There is no secret in a ledger: who also writes the seal anew is found by the signed audit log beside a site's
/// ledger, and by the heads of it that peers hold (<see cref="LedgerBinding"/>).
/// </remarks>
internal sealed class LedgerSeal(StateDatabase database)
{
    public const string Schema = "CREATE TABLE IF NOT EXISTS seal (one INTEGER PRIMARY KEY CHECK (one = 1), row INTEGER NOT NULL, charges TEXT NOT NULL, rest TEXT NOT NULL)";

    /// <summary>Whether all that is there is what was written; a ledger that has no seal yet gets one.</summary>
    /// <param name="charges">The chain over all charges: number of the last row, and digest.</param>
    public bool Holds((long Row, byte[] Digest) charges)
    {
        var found = new Said(charges.Row, Convert.ToHexStringLower(charges.Digest), Rest());
        if (Read() is { } before) return before == found;
        Write(found);
        return true;
    }

    /// <summary>Whether accounts and budgets are what was written.</summary>
    public bool RestHolds => Read() is not { } before || before.Rest == Rest();

    /// <summary>Accounts or budgets were changed.</summary>
    public void TakeRest()
    {
        if (Read() is { } before) Write(before with { Rest = Rest() });
    }

    /// <summary>Charges were added.</summary>
    /// <param name="links">The chain's links behind a row and its digest.</param>
    public void TakeCharges(Func<long, byte[], IEnumerable<(long Row, byte[] Digest)>> links)
    {
        if (Read() is not { } before) return;
        var (row, digest) = (before.Row, Convert.FromHexString(before.Charges));
        foreach (var link in links(row, digest)) (row, digest) = link;
        Write(before with { Row = row, Charges = Convert.ToHexStringLower(digest) });
    }

    private Said? Read() => database.Read("SELECT row, charges, rest FROM seal", r => new Said(r.GetInt64(0), r.GetString(1), r.GetString(2))).FirstOrDefault();

    private void Write(Said now) =>
        database.Write("INSERT INTO seal VALUES (1, @a, @b, @c) ON CONFLICT (one) DO UPDATE SET row = excluded.row, charges = excluded.charges, rest = excluded.rest", now.Row, now.Charges, now.Rest);

    private string Rest()
    {
        string[] queries =
        [
            "SELECT id, run, study, site, dataset, open, accountant FROM accounts ORDER BY id",
            "SELECT account, event, count FROM reserved ORDER BY account, event",
            "SELECT scope, name, epsilon, delta FROM budgets ORDER BY scope, name",
        ];
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var query in queries)
        {
            foreach (var row in database.Read(query, r => string.Join('\n', Enumerable.Range(0, r.FieldCount).Select(i => Convert.ToString(r.GetValue(i), CultureInfo.InvariantCulture)))))
                hash.AppendData(Encoding.UTF8.GetBytes($"{row.Length}:{row}\n"));
            hash.AppendData("\n"u8);
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private sealed record Said(long Row, string Charges, string Rest);
}
