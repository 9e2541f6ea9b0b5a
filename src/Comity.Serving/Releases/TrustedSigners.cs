using System.Text.Json;

namespace Comity.Serving.Releases;

/// <summary>A signer whom a person has chosen to trust.</summary>
/// <param name="Fingerprint">SHA-256 (hex) of the public key.</param>
/// <param name="Name">Who that is, in the words of the one who trusts.</param>
/// <param name="Since">When.</param>
public sealed record TrustedSigner(string Fingerprint, string Name, DateTimeOffset Since);

/// <summary>Who may sign what is loaded here. Nobody is trusted because a file says so.</summary>
/// <param name="Signers">The pinned signers.</param>
public sealed record TrustedSigners(IReadOnlyList<TrustedSigner> Signers)
{
    private static readonly JsonSerializerOptions Options = new() { PropertyNamingPolicy = JsonNamingPolicy.CamelCase, WriteIndented = true };

    /// <summary>Nobody.</summary>
    public static TrustedSigners None { get; } = new([]);

    /// <summary>Whether a key is pinned.</summary>
    public bool Contains(string fingerprint) => Signers.Any(s => s.Fingerprint == fingerprint);

    /// <summary>These and one more.</summary>
    public TrustedSigners With(TrustedSigner signer) => new([.. Signers.Where(s => s.Fingerprint != signer.Fingerprint), signer]);

    /// <summary>Reads the pinned signers; a file that is not there means nobody.</summary>
    /// <exception cref="ReleaseRefusedException">The file is damaged: nobody can be trusted then.</exception>
    public static TrustedSigners Read(string file)
    {
        if (!File.Exists(file)) return None;
        try
        {
            return JsonSerializer.Deserialize<TrustedSigners>(File.ReadAllBytes(file), Options) is { Signers: not null } read
                ? read
                : throw new JsonException("It names no signers.");
        }
        catch (JsonException e)
        {
            throw new ReleaseRefusedException(Messages.Problem("trust-unreadable", Declarations.Place.InFile(file), e.Message));
        }
    }

    /// <summary>Writes the pinned signers, whole or not at all.</summary>
    public void Write(string file)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(file))!);
        File.WriteAllBytes(file + ".unfinished", JsonSerializer.SerializeToUtf8Bytes(this, Options));
        File.Move(file + ".unfinished", file, overwrite: true);
    }
}
