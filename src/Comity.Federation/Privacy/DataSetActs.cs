using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Comity.Federation.Policies;

namespace Comity.Federation.Privacy;

/// <summary>Names of data sets that a site's steward signed for, as holding none of the records that the site's ledger knows under other names.</summary>
/// <remarks>
/// <code>
/// STATE/data-sets/SHA256-OF-NAME.json   the name, who signed, when, and the signature of the site's key over all three
/// </code>
/// A lifetime budget is as good as the name that it is for: the same records renamed, copied or split anew would begin with a fresh one. So a ledger that knows
/// data sets takes a new name only under such a signature. Who can only write into the folder, or change <c>site.yaml</c>, signs nothing.
/// </remarks>
/// <param name="stateFolder">The site's state.</param>
public sealed class DataSetActs(string stateFolder)
{
    private readonly string _folder = Path.Combine(stateFolder, "data-sets");

    /// <summary>Whether a study may be charged to a data set of that name: the ledger knows it, or it knows none, or the name was signed for.</summary>
    /// <param name="name">The name.</param>
    /// <param name="ledger">The site's ledger.</param>
    /// <param name="key">The site's key; its public half is enough. Null: it has none, and nothing was signed.</param>
    public bool Allows(string name, PrivacyLedger ledger, ECDsa? key)
    {
        ArgumentNullException.ThrowIfNull(ledger);
        var known = ledger.DataSets();
        return known.Count == 0 || known.Contains(name) || (key is not null && IsSigned(name, key));
    }

    /// <summary>Whether the steward signed for a name.</summary>
    /// <param name="name">The name.</param>
    /// <param name="key">The site's key; its public half is enough.</param>
    public bool IsSigned(string name, ECDsa key) => SignedAct.Read<Act>(FileOf(name), key)?.DataSet == name;

    /// <summary>Signs for a name.</summary>
    /// <param name="name">The name.</param>
    /// <param name="by">Who.</param>
    /// <param name="now">When.</param>
    /// <param name="key">The site's key.</param>
    public void Sign(string name, string by, DateTimeOffset now, ECDsa key)
    {
        var act = new Act(name, by, now.ToString("O", CultureInfo.InvariantCulture), "");
        SignedAct.Write(FileOf(name), act with { Signature = SignedAct.Sign(act, key) });
    }

    private string FileOf(string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        return Path.Combine(_folder, Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(name))) + ".json");
    }

    private sealed record Act(string DataSet, string By, string At, string Signature) : ISignedAct
    {
        public byte[] Signed() => Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"comity data set 1\n{DataSet?.Length}:{DataSet}\n{By?.Length}:{By}\n{At}\n"));
    }
}
