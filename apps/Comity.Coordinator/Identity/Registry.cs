using System.Data.Common;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Comity.Transport.Identity;

namespace Comity.Coordinator.Identity;

/// <summary>Who belongs to the federation, who asks to, and what came of it. The server and the operator's commands work on the same file.</summary>
internal sealed class Registry(CoordinatorDatabase database, CertificateAuthority authority, TimeProvider time) : ISiteKeys
{
    /// <summary>Name of the setting whether TLS ends at a proxy.</summary>
    public const string ThroughProxy = "through-proxy";

    /// <summary>Value of a setting that holds.</summary>
    public const string Yes = "yes";

    /// <summary>Requests that may wait at once: more would be a flood, not a federation.</summary>
    public const int MostWaiting = 200;

    /// <summary>How long a request waits for a person.</summary>
    public static readonly TimeSpan Waiting = TimeSpan.FromDays(7);

    private const string MemberColumns = "name, role, fingerprint, public_key, certificate, not_after, approved_at, revoked_at";
    private MemberTable _table = MemberTable.Empty;
    private long _othersVersion = -1;
    private bool _stale = true;

    /// <summary>All members by name, revoked ones too.</summary>
    public IReadOnlyCollection<Member> Members => [.. Table().ByName.Values.OrderBy(m => m.Name, StringComparer.Ordinal)];

    /// <summary>Requests that wait, the oldest first.</summary>
    public IReadOnlyList<Enrolment> Enrolments => database.Read(
        "SELECT name, role, fingerprint, request, address, asked_at FROM enrolments WHERE asked_at > @a ORDER BY asked_at, fingerprint", ReadEnrolment, Milliseconds(time.GetUtcNow() - Waiting));

    /// <inheritdoc/>
    public byte[]? PublicKeyOf(string site) => ByName(site) is { Role: CallerRole.Site, RevokedAt: null } member ? member.PublicKey : null;

    public Member? ByName(string name) => Table().ByName.GetValueOrDefault(name);

    /// <summary>The member with a key, revoked or not.</summary>
    public Member? ByKey(string fingerprint) => Table().ByKey.GetValueOrDefault(fingerprint);

    /// <summary>Whether a key was a member's once and is not to come back.</summary>
    public bool IsRetired(string fingerprint) => database.Read("SELECT 1 FROM retired_keys WHERE fingerprint = @a", _ => true, fingerprint).Count > 0;

    /// <summary>Keeps a request until a person looks at it; asking again with the same key changes nothing but the name.</summary>
    /// <returns>False: too many wait.</returns>
    public bool Ask(Enrolment enrolment) => database.Atomically(() =>
    {
        database.Write("DELETE FROM enrolments WHERE asked_at <= @a", Milliseconds(time.GetUtcNow() - Waiting));
        if (database.Read("SELECT count(*) FROM enrolments WHERE fingerprint <> @a", r => r.GetInt32(0), enrolment.Fingerprint)[0] >= MostWaiting) return false;
        database.Write("INSERT INTO enrolments VALUES (@a, @b, @c, @d, @e, @f) ON CONFLICT (fingerprint) DO UPDATE SET name = @b, role = @c, request = @d",
            enrolment.Fingerprint, enrolment.Name, enrolment.Role.ToString(), enrolment.Request, enrolment.Address, Milliseconds(enrolment.AskedAt));
        return true;
    });

    /// <summary>The request of a key, if it waits.</summary>
    public Enrolment? AskedBy(string fingerprint) => Enrolments.FirstOrDefault(e => e.Fingerprint == fingerprint);

    /// <summary>Makes a member of a key that waits. A key that the name had before is retired; other requests for the name are dropped.</summary>
    public Member Approve(Enrolment enrolment) => database.Atomically(() =>
    {
        var request = CertificateRequest.LoadSigningRequest(enrolment.Request, HashAlgorithmName.SHA256, CertificateRequestLoadOptions.Default);
        using var certificate = authority.IssueMember(enrolment.Name, request.PublicKey);
        var now = time.GetUtcNow();
        if (ByName(enrolment.Name) is { } before && before.Fingerprint != enrolment.Fingerprint) Retire(before.Fingerprint, before.Name, now);
        database.Write("DELETE FROM members WHERE name = @a", enrolment.Name);
        database.Write($"INSERT INTO members ({MemberColumns}) VALUES (@a, @b, @c, @d, @e, @f, @g, NULL)", enrolment.Name, enrolment.Role.ToString(), enrolment.Fingerprint,
            request.PublicKey.ExportSubjectPublicKeyInfo(), certificate.RawData, Milliseconds(certificate.NotAfter), Milliseconds(now));
        database.Write("DELETE FROM enrolments WHERE name = @a", enrolment.Name);
        _stale = true;
        return ByKey(enrolment.Fingerprint)!;
    });

    /// <summary>Takes a member's key out of force, at once and for good.</summary>
    public void Revoke(string name) => database.Atomically(() =>
    {
        var now = time.GetUtcNow();
        foreach (var fingerprint in database.Read("SELECT fingerprint FROM members WHERE name = @a AND revoked_at IS NULL", r => r.GetString(0), name)) Retire(fingerprint, name, now);
        _stale = true;
        return database.Write("UPDATE members SET revoked_at = @b WHERE name = @a AND revoked_at IS NULL", name, Milliseconds(now));
    });

    /// <summary>A fresh certificate for the key that a member has.</summary>
    public Member Renew(Member member) => database.Atomically(() =>
    {
        using var certificate = authority.IssueMember(member.Name, PublicKey.CreateFromSubjectPublicKeyInfo(member.PublicKey, out _));
        // Not where the member was revoked or replaced in the meantime.
        database.Write("UPDATE members SET certificate = @b, not_after = @c WHERE fingerprint = @a AND revoked_at IS NULL", member.Fingerprint, certificate.RawData, Milliseconds(certificate.NotAfter));
        _stale = true;
        return ByKey(member.Fingerprint) ?? member;
    });

    /// <summary>The secret of join codes; made at the first call.</summary>
    public string JoinSecret(bool renew) => database.Atomically(() =>
    {
        if (renew) database.Write("DELETE FROM settings WHERE key = 'join-secret'");
        database.Write("INSERT INTO settings VALUES ('join-secret', @a) ON CONFLICT DO NOTHING", JoinCode.NewSecret());
        return database.Read("SELECT value FROM settings WHERE key = 'join-secret'", r => r.GetString(0))[0];
    });

    /// <summary>Remembers something between starts.</summary>
    public void Remember(string key, string value) => database.Write("INSERT INTO settings VALUES (@a, @b) ON CONFLICT (key) DO UPDATE SET value = excluded.value", key, value);

    /// <summary>What was remembered, or null.</summary>
    public string? Recall(string key) => database.Read("SELECT value FROM settings WHERE key = @a", r => r.GetString(0), key).FirstOrDefault();

    private void Retire(string fingerprint, string name, DateTimeOffset now) =>
        database.Write("INSERT INTO retired_keys VALUES (@a, @b, @c) ON CONFLICT DO NOTHING", fingerprint, name, Milliseconds(now));

    // Read at every call, so it is kept in memory for as long as nobody has written: an operator's command is another process.
    private MemberTable Table()
    {
        lock (database.Gate)
        {
            var version = database.OthersVersion;
            if (!_stale && version == _othersVersion) return _table;
            (_stale, _othersVersion) = (false, version);
            var members = database.Read($"SELECT {MemberColumns} FROM members", ReadMember);
            return _table = new(members.ToDictionary(m => m.Name, StringComparer.Ordinal), members.ToDictionary(m => m.Fingerprint, StringComparer.Ordinal));
        }
    }

    private static Member ReadMember(DbDataReader row) => new(
        row.GetString(0), Enum.Parse<CallerRole>(row.GetString(1)), row.GetString(2), row.GetFieldValue<byte[]>(3), row.GetFieldValue<byte[]>(4),
        Time(row.GetInt64(5)), Time(row.GetInt64(6)), row.IsDBNull(7) ? null : Time(row.GetInt64(7)));

    private static Enrolment ReadEnrolment(DbDataReader row) => new(
        row.GetString(0), Enum.Parse<CallerRole>(row.GetString(1)), row.GetString(2), row.GetFieldValue<byte[]>(3), row.GetString(4), Time(row.GetInt64(5)));

    private static long Milliseconds(DateTimeOffset time) => time.ToUnixTimeMilliseconds();

    private static DateTimeOffset Time(long milliseconds) => DateTimeOffset.FromUnixTimeMilliseconds(milliseconds);

    private sealed record MemberTable(IReadOnlyDictionary<string, Member> ByName, IReadOnlyDictionary<string, Member> ByKey)
    {
        public static MemberTable Empty { get; } = new(new Dictionary<string, Member>(), new Dictionary<string, Member>());
    }
}
