using Comity.Serving.Releases;

namespace Comity.Cli.Releases;

/// <summary>What belongs to the person at this machine: the signing key and whom they trust. <c>COMITY_HOME</c>, otherwise <c>~/.comity</c>.</summary>
internal sealed record ComityHome(string Folder)
{
    public static ComityHome Of(Session session) => new(Path.GetFullPath(
        session.Environment("COMITY_HOME") is { Length: > 0 } chosen ? chosen : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".comity")));

    /// <summary>PEM file of the signing key.</summary>
    public string KeyFile => Path.Combine(Folder, "keys", "release.pem");

    /// <summary>The pinned signers.</summary>
    public string TrustFile => Path.Combine(Folder, "trusted-signers.json");

    /// <summary>Whoever may sign what is used here.</summary>
    public TrustedSigners Trusted => TrustedSigners.Read(TrustFile);

    /// <summary>The signing key; made, and trusted here, when there is none.</summary>
    public SigningKey OpenKey(Session session)
    {
        var isNew = !File.Exists(KeyFile);
        var key = SigningKey.OpenOrCreate(KeyFile);
        if (!isNew) return key;
        Trusted.With(new TrustedSigner(key.Fingerprint, Environment.UserName, session.Time.GetUtcNow())).Write(TrustFile);
        session.Out.Line(session.Text("release.key-made", KeyFile, key.Fingerprint));
        return key;
    }
}
