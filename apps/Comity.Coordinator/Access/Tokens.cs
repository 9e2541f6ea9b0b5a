using System.Data.Common;
using System.Security.Cryptography;
using Comity.Coordinator.Identity;
using Comity.Transport.Identity;

namespace Comity.Coordinator.Access;

/// <summary>A token as the coordinator keeps it: all but the secret.</summary>
/// <param name="Id">Names it in lists and logs.</param>
/// <param name="Name">The person or tool that it was made for.</param>
/// <param name="Role">What it may do.</param>
/// <param name="Studies">Studies that it may touch; null: all.</param>
/// <param name="CreatedAt">When it was made.</param>
/// <param name="ExpiresAt">When it runs out.</param>
/// <param name="RevokedAt">When it was revoked; null: it was not.</param>
internal sealed record Token(string Id, string Name, CallerRole Role, IReadOnlyList<string>? Studies, DateTimeOffset CreatedAt, DateTimeOffset ExpiresAt, DateTimeOffset? RevokedAt);

/// <summary>Tokens of people and their tools: <c>comity_ID_SECRET</c>. Only the SHA-256 of the secret is kept.</summary>
/// <remarks>The secret has 256 random bits, so a slow hash for guessable passwords would add nothing.</remarks>
internal sealed class Tokens(CoordinatorDatabase database)
{
    /// <summary>How long a token holds unless somebody says otherwise.</summary>
    public static readonly TimeSpan DefaultLifetime = TimeSpan.FromDays(30);

    private const string Prefix = "comity_";
    private const int IdLength = 12;
    private const int SecretBytes = 32;

    /// <summary>All tokens, the newest first.</summary>
    public IReadOnlyList<Token> All => database.Read("SELECT id, name, role, studies, created_at, expires_at, revoked_at FROM tokens ORDER BY created_at DESC, id", Read);

    /// <summary>Makes a token.</summary>
    /// <returns>What is kept, and the whole token, which can't be shown again.</returns>
    public (Token Kept, string Whole) Create(string name, CallerRole role, IReadOnlyList<string>? studies, DateTimeOffset now, TimeSpan lifetime)
    {
        if (role is CallerRole.Site or CallerRole.Server) throw new ArgumentException("A site proves itself by its key, never by a token.", nameof(role));
        var (id, secret) = (Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(IdLength / 2)), Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(SecretBytes)));
        var token = new Token(id, name, role, studies, now, now + lifetime, null);
        database.Write("INSERT INTO tokens VALUES (@a, @b, @c, @d, @e, @f, @g, NULL)", id, HashOf(secret), name, role.ToString(), studies is null ? null : string.Join(' ', studies),
            now.ToUnixTimeMilliseconds(), token.ExpiresAt.ToUnixTimeMilliseconds());
        return (token, Prefix + id + "_" + secret);
    }

    /// <summary>Takes a token out of force, at once.</summary>
    /// <returns>False: there is none of this id in force.</returns>
    public bool Revoke(string id, DateTimeOffset now) => database.Write("UPDATE tokens SET revoked_at = @b WHERE id = @a AND revoked_at IS NULL", id, now.ToUnixTimeMilliseconds()) > 0;

    /// <summary>Whether a token of this id is in force.</summary>
    public bool InForce(string id, DateTimeOffset now) => Find(id) is { Token.RevokedAt: null } found && now < found.Token.ExpiresAt;

    /// <summary>Judges a token.</summary>
    /// <returns>Null: it is in force, and <paramref name="caller"/> is who it was made for. Otherwise why not.</returns>
    public string? Judge(string text, DateTimeOffset now, out CallerIdentity? caller)
    {
        caller = null;
        // Whoever sends the token whole sends the coordinator's own key with it.
        if (text.IndexOf('.', StringComparison.Ordinal) is > 0 and var pin) text = text[..pin];
        if (text.Length != Prefix.Length + IdLength + 1 + 2 * SecretBytes || !text.StartsWith(Prefix, StringComparison.Ordinal) || text[Prefix.Length + IdLength] != '_') return "token-wrong";
        var found = Find(text.Substring(Prefix.Length, IdLength));
        // An unknown id takes as long as a wrong secret.
        var right = CryptographicOperations.FixedTimeEquals(HashOf(text[(Prefix.Length + IdLength + 1)..]), found?.Hash ?? new byte[SHA256.HashSizeInBytes]);
        if (found is null || !right) return "token-wrong";
        if (found.Value.Token.RevokedAt is not null) return "token-revoked";
        if (now >= found.Value.Token.ExpiresAt) return "token-expired";
        caller = new(found.Value.Token.Name, found.Value.Token.Role, found.Value.Token.Id) { Studies = found.Value.Token.Studies };
        return null;
    }

    private (Token Token, byte[] Hash)? Find(string id)
    {
        var found = database.Read("SELECT id, name, role, studies, created_at, expires_at, revoked_at, hash FROM tokens WHERE id = @a", r => (Read(r), r.GetFieldValue<byte[]>(7)), id);
        return found.Count == 0 ? null : found[0];
    }

    private static byte[] HashOf(string secret) => SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(secret));

    private static Token Read(DbDataReader row) => new(
        row.GetString(0), row.GetString(1), Enum.Parse<CallerRole>(row.GetString(2)), row.IsDBNull(3) ? null : row.GetString(3).Split(' '),
        DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(4)), DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(5)), row.IsDBNull(6) ? null : DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(6)));
}
