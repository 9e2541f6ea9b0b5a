using System.Security.Cryptography;
using System.Text;
using Comity.Declarations;

namespace Comity.Federation.AtRest;

/// <summary>What opens a party's state: 32 bytes, or a passphrase. Prints as <c>[redacted]</c>.</summary>
public sealed class StateKey : IDisposable
{
    /// <summary>Environment variable of a key: 32 bytes in hexadecimal or base64.</summary>
    public const string Variable = "COMITY_STATE_KEY";

    /// <summary>Environment variable of the path of a key's file, for services whose manager hands secrets over as files.</summary>
    public const string FileVariable = "COMITY_STATE_KEY_FILE";

    /// <summary>Environment variable of a passphrase.</summary>
    public const string PassphraseVariable = "COMITY_STATE_PASSPHRASE";

    /// <summary>Fewest characters of a passphrase.</summary>
    public const int ShortestPassphrase = 12;

    /// <summary>Rounds of PBKDF2-HMAC-SHA256: what OWASP's cheat sheet on password storage (2023) demands of it.</summary>
    internal const int Iterations = 600_000;

    private const int KeyBytes = 32;
    private readonly byte[] _secret;

    private StateKey(byte[] secret, bool isPassphrase, string source) => (_secret, IsPassphrase, Source) = (secret, isPassphrase, source);

    /// <summary>Whether it was made from a passphrase, which takes some tenths of a second to open with.</summary>
    public bool IsPassphrase { get; }

    /// <summary>Where it came from: a file's path, a variable's name. Never the key.</summary>
    public string Source { get; }

    /// <summary>Finds the one key that a user gave; null: none, or problems.</summary>
    /// <param name="file">Path of a key's file, from the command line; null: none.</param>
    /// <param name="passphrase">A passphrase that was typed; null: none.</param>
    /// <param name="environment">Environment variables by name.</param>
    /// <param name="problems">Takes what is wrong: a key of another form, or more than one.</param>
    /// <param name="prefix">What the variables' names begin with, in the place of <c>COMITY_</c>.</param>
    public static StateKey? Find(string? file, string? passphrase, Func<string, string?> environment, ProblemList problems, string prefix = "COMITY_")
    {
        ArgumentNullException.ThrowIfNull(environment);
        ArgumentNullException.ThrowIfNull(problems);
        string Name(string variable) => prefix + variable["COMITY_".Length..];
        string? Told(string variable) => environment(Name(variable)) is { Length: > 0 } value ? value : null;
        // What is said on the command line replaces the environment's.
        var given = new List<(string Source, Func<StateKey?> Read)>();
        if (file is not null) given.Add(("--key-file", () => OfFile(file, problems)));
        if (passphrase is not null) given.Add(("--passphrase", () => OfPassphrase(passphrase, "--passphrase", problems)));
        if (given.Count == 0)
        {
            if (Told(Variable) is { } key) given.Add((Name(Variable), () => OfText(key, Name(Variable), problems)));
            if (Told(FileVariable) is { } path) given.Add((Name(FileVariable), () => OfFile(path, problems)));
            if (Told(PassphraseVariable) is { } words) given.Add((Name(PassphraseVariable), () => OfPassphrase(words, Name(PassphraseVariable), problems)));
        }
        if (given.Count > 1) problems.Add(Messages.Problem("state-key-several", Place.InFile(given[1].Source), string.Join(", ", given.Select(g => g.Source))));
        return given.Count == 1 ? given[0].Read() : null;
    }

    /// <summary>A key from a file: 32 bytes, or the same in hexadecimal or base64. Null: it is none.</summary>
    public static StateKey? OfFile(string path, ProblemList problems)
    {
        ArgumentNullException.ThrowIfNull(problems);
        byte[] bytes;
        try
        {
            if (new FileInfo(path).Length > 4096) throw new IOException("> 4096 B");
            bytes = File.ReadAllBytes(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            problems.Add(Messages.Problem("state-key-unreadable", Place.InFile(path), e.Message));
            return null;
        }
        return bytes.Length == KeyBytes ? new StateKey(bytes, false, path) : OfText(Encoding.UTF8.GetString(bytes), path, problems);
    }

    /// <summary>A key from its text. Null: it is none.</summary>
    public static StateKey? OfText(string text, string source, ProblemList problems)
    {
        ArgumentNullException.ThrowIfNull(text);
        ArgumentNullException.ThrowIfNull(problems);
        text = text.Trim();
        try
        {
            var bytes = text.Length == 2 * KeyBytes ? Convert.FromHexString(text) : Convert.FromBase64String(text);
            if (bytes.Length == KeyBytes) return new StateKey(bytes, false, source);
        }
        catch (FormatException)
        {
            // Falls through. The text is a secret that was only mistyped: no error shows it.
        }
        problems.Add(Messages.Problem("state-key-malformed", Place.InFile(source)));
        return null;
    }

    /// <summary>A passphrase. Null: it is too short to keep anybody out.</summary>
    public static StateKey? OfPassphrase(string passphrase, string source, ProblemList problems)
    {
        ArgumentNullException.ThrowIfNull(passphrase);
        ArgumentNullException.ThrowIfNull(problems);
        // Two keyboards may compose the same letter in two ways (NIST SP 800-63B, 5.1.1.2).
        var bytes = Encoding.UTF8.GetBytes(passphrase.Normalize(NormalizationForm.FormKC));
        if (passphrase.Length >= ShortestPassphrase) return new StateKey(bytes, true, source);
        problems.Add(Messages.Problem("state-passphrase-short", Place.InFile(source), ShortestPassphrase));
        return null;
    }

    /// <summary>The key that wraps a state's data keys.</summary>
    internal byte[] Wrapping(ReadOnlySpan<byte> salt, int iterations) => IsPassphrase
        ? Rfc2898DeriveBytes.Pbkdf2(_secret, salt, iterations, HashAlgorithmName.SHA256, KeyBytes)
        : HKDF.DeriveKey(HashAlgorithmName.SHA256, _secret, KeyBytes, salt.ToArray(), "comity state key 1"u8.ToArray());

    /// <inheritdoc/>
    public override string ToString() => "[redacted]";

    /// <inheritdoc/>
    public void Dispose() => CryptographicOperations.ZeroMemory(_secret);
}
