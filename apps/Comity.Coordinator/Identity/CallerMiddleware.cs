using System.Security.Cryptography.X509Certificates;
using Comity.Coordinator.Access;
using Comity.Coordinator.Hosting;
using Comity.Transport.Identity;
using Comity.Transport.Signing;
using Microsoft.AspNetCore.Http.Features;

namespace Comity.Coordinator.Identity;

/// <summary>Proves who calls, or refuses by name. A call that claims nobody goes on as nobody's; the table of access decides what that may do.</summary>
internal sealed class CallerMiddleware(RequestDelegate next, Registry registry, CertificateAuthority authority, ReplayGuard replays, Tokens tokens, OpenCalls open, TimeProvider time)
{
    /// <summary>Header that tells a caller the epoch to sign for.</summary>
    public const string EpochHeader = "Comity-Epoch";

    private const string Bearer = "Bearer ";
    private readonly VerifyingKeys _keys = new();

    public async Task InvokeAsync(HttpContext context)
    {
        var headers = context.Request.Headers;
        Task? refusal = null;
        CallerIdentity? caller = null;
        if (headers.ContainsKey(RequestSignature.InputHeader) || headers.ContainsKey(RequestSignature.SignatureHeader)) refusal = Signed(context, out caller);
        else if (headers.Authorization.Count > 0) refusal = WithToken(context, out caller);
        else if (context.Connection.ClientCertificate is { } shown) refusal = WithCertificate(context, shown, out caller);
        if (refusal is not null)
        {
            await refusal;
            return;
        }
        if (caller is null)
        {
            await next(context);
            return;
        }
        context.Features.Set(caller);
        using (open.Enter(caller, context)) await next(context);
    }

    private Task? Signed(HttpContext context, out CallerIdentity? caller)
    {
        caller = null;
        var headers = context.Request.Headers;
        Task Refuse(string code, params object?[] arguments) => Refusal.WriteAsync(context, StatusCodes.Status401Unauthorized, code, arguments);

        if (headers[RequestSignature.InputHeader].Count != 1 || RequestSignature.ReadInput(headers[RequestSignature.InputHeader][0]) is not { } signature
            || headers[RequestSignature.SignatureHeader].Count != 1 || RequestSignature.ReadDigest(Single(headers[RequestSignature.DigestHeader])) is not { } digest)
            return Refuse("signature-unreadable");
        if (registry.ByKey(signature.KeyId) is not { } member)
            return registry.IsRetired(signature.KeyId) ? Refuse("key-retired") : Refuse("key-unknown");

        // The signature comes first: from what follows, nobody but the key's owner may learn anything.
        var target = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        if (!signature.Verify(context.Request.Method, target, digest, Single(headers[RequestSignature.SignatureHeader]), _keys.Of(member.PublicKey))) return Refuse("signature-wrong", member.Name);
        var now = time.GetUtcNow();
        switch (replays.Judge(signature, now))
        {
            case CallVerdict.Stale:
                return Refuse("clock-skew", member.Name, Skew.Describe(signature.Created - now), now.ToString("u", System.Globalization.CultureInfo.InvariantCulture));
            case CallVerdict.OtherEpoch:
                context.Response.Headers[EpochHeader] = replays.Epoch;
                return Refuse("other-epoch");
            case CallVerdict.Replayed:
                context.Response.Headers[EpochHeader] = replays.Epoch;
                return Refuse("replayed", member.Name);
        }
        if (member.RevokedAt is not null) return Refuse("key-retired");
        if (now > member.NotAfter) return Refuse("certificate-expired", member.Name, member.NotAfter.ToString("u", System.Globalization.CultureInfo.InvariantCulture));
        if (context.Connection.ClientCertificate is { } shown && Misfit(shown, member, now) is { } misfit) return Refuse(misfit, member.Name, KeyFingerprint.Of(shown).ToString());

        context.Request.Body = new VerifiedBody(context.Request.Body, digest);
        context.Features.Set(new SignedBody(digest));
        caller = new(member.Name, member.Role, member.Fingerprint);
        return null;
    }

    /// <summary>What is wrong with a TLS client certificate beside a good signature; null: nothing.</summary>
    private string? Misfit(X509Certificate2 shown, Member member, DateTimeOffset now) => authority.Key.JudgeClient(shown, now) switch
    {
        CertificateVerdict.Foreign or CertificateVerdict.WrongUse => "certificate-foreign",
        CertificateVerdict.Expired or CertificateVerdict.NotYetValid => "certificate-not-in-force",
        _ => KeyFingerprint.Of(shown).Plain == member.Fingerprint ? null : "certificate-of-another",
    };

    /// <summary>A person may come with a certificate alone. A site or serving node signs each call; what anybody may see it may see unsigned.</summary>
    private Task? WithCertificate(HttpContext context, X509Certificate2 shown, out CallerIdentity? caller)
    {
        caller = null;
        if (registry.ByKey(KeyFingerprint.Of(shown).Plain) is not { RevokedAt: null } member || member.Role is CallerRole.Site or CallerRole.Server) return null;
        if (Misfit(shown, member, time.GetUtcNow()) is { } misfit)
            return Refusal.WriteAsync(context, StatusCodes.Status401Unauthorized, misfit, member.Name, KeyFingerprint.Of(shown).ToString());
        caller = new(member.Name, member.Role, member.Fingerprint);
        return null;
    }

    private Task? WithToken(HttpContext context, out CallerIdentity? caller)
    {
        caller = null;
        var value = Single(context.Request.Headers.Authorization);
        if (value is null || !value.StartsWith(Bearer, StringComparison.Ordinal)) return Refusal.WriteAsync(context, StatusCodes.Status401Unauthorized, "token-wrong");
        var verdict = tokens.Judge(value[Bearer.Length..], time.GetUtcNow(), out caller);
        return verdict is null ? null : Refusal.WriteAsync(context, StatusCodes.Status401Unauthorized, verdict);
    }

    private static string? Single(Microsoft.Extensions.Primitives.StringValues values) => values.Count == 1 ? values[0] : null;
}

/// <summary>How far a clock is off, for people.</summary>
internal static class Skew
{
    /// <summary>Such as <c>+01:00:02</c>: ahead by so much.</summary>
    public static string Describe(TimeSpan ahead) => (ahead < TimeSpan.Zero ? "-" : "+") + ahead.Duration().ToString(@"d\.hh\:mm\:ss", System.Globalization.CultureInfo.InvariantCulture).Replace("0.", "", StringComparison.Ordinal);
}
