using System.Security.Cryptography;
using System.Text;
using Comity.Serving.Releases;

namespace Comity.Serving.Hosting;

/// <summary>What the bearer of a token may do.</summary>
public enum AccessRole
{
    /// <summary>Ask for predictions and answer with feedback.</summary>
    Predict,

    /// <summary>Read metrics, feedback summaries and drift.</summary>
    Read,

    /// <summary>All of that, and put versions in and out of service.</summary>
    Operate,
}

/// <summary>Who may do what: tokens by the SHA-256 of their text, so that the file gives none away.</summary>
/// <remarks>A line holds <c>role sha256 name</c>; empty lines and those that start with # are left out. A token is looked up by its digest, so how long that takes tells nothing of it.</remarks>
public sealed class AccessTokens
{
    private readonly Dictionary<string, AccessRole> _roles;

    private AccessTokens(Dictionary<string, AccessRole> roles) => _roles = roles;

    /// <summary>A new token: 32 random bytes in Base64url.</summary>
    public static string Create() => System.Buffers.Text.Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));

    /// <summary>The line that lets a token in.</summary>
    public static string Line(string token, AccessRole role, string name) => $"{role.ToString().ToLowerInvariant()} {Digest(token)} {name}";

    /// <summary>Reads a file of tokens.</summary>
    /// <exception cref="ReleaseRefusedException">A line can't be read.</exception>
    public static AccessTokens Read(string file)
    {
        var roles = new Dictionary<string, AccessRole>(StringComparer.Ordinal);
        var number = 0;
        foreach (var line in File.ReadLines(file))
        {
            number++;
            var words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
            if (words.Length == 0 || words[0].StartsWith('#')) continue;
            if (words.Length < 2 || !Enum.TryParse<AccessRole>(words[0], ignoreCase: true, out var role) || !Enum.IsDefined(role) || char.IsDigit(words[0][0]) || words[1].Length != 64 || !words[1].All(char.IsAsciiHexDigitLower))
                throw new ReleaseRefusedException(Messages.Problem("token-line", Declarations.Place.InFile(file, number)));
            roles[words[1]] = role;
        }
        return new AccessTokens(roles);
    }

    /// <summary>The role of an <c>Authorization</c> header; null: none that is known.</summary>
    public AccessRole? RoleOf(string? authorization)
    {
        const string Scheme = "Bearer ";
        if (authorization is null || !authorization.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase)) return null;
        return _roles.TryGetValue(Digest(authorization[Scheme.Length..].Trim()), out var role) ? role : null;
    }

    /// <summary>Whether a role includes another.</summary>
    public static bool Includes(AccessRole role, AccessRole wanted) => role == wanted || role == AccessRole.Operate;

    private static string Digest(string token) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(token)));
}
