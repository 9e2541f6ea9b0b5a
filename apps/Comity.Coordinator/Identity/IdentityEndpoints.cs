using System.Formats.Asn1;
using System.Reflection;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Comity.Coordinator.Hosting;
using Comity.Transport.Identity;
using Comity.Transport.Protocol;
using Comity.Transport.Signing;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Http.Metadata;

namespace Comity.Coordinator.Identity;

/// <summary>The part of <c>/v1</c> that is about who somebody is: proof of the coordinator, joining, renewal, and the way there and back.</summary>
internal sealed class IdentityEndpoints(Registry registry, CertificateAuthority authority, ReplayGuard replays, TimeProvider time, ILogger<IdentityEndpoints> log)
{
    private const int LargestRequest = 4096;
    private const int LargestProbe = 8 * 1024 * 1024;

    private static string Software { get; } = typeof(IdentityEndpoints).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "0";

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/v1/hello", Hello);
        routes.MapPost("/v1/enrolments", Enrol).RequireRateLimiting(Limits.Enrolment);
        routes.MapGet("/v1/enrolments/{fingerprint}", EnrolmentOf);
        routes.MapGet("/v1/me", Me);
        routes.MapPost("/v1/me/certificate", RenewAsync);
        routes.MapPost("/v1/bandwidth", UpAsync).WithMetadata(new BodyLimit(LargestProbe));
        routes.MapGet("/v1/bandwidth", DownAsync);
        routes.MapGet("/v1/members", () => Results.Json(registry.Members.Select(MemberInfo)));
    }

    private IResult Hello(string? nonce)
    {
        if (nonce is null || nonce.Length != CoordinatorHello.NonceLength || !nonce.All(char.IsAsciiHexDigitLower)) return Refusal.Of(StatusCodes.Status400BadRequest, "nonce-wrong");
        var protocol = new ProtocolInfo(ProtocolVersion.Oldest, ProtocolVersion.Newest, Software, time.GetUtcNow());
        return Results.Json(CoordinatorHello.Of(protocol, replays.Epoch, authority.Certificate, nonce));
    }

    private IResult Enrol(HttpContext context, EnrolmentRequest asked)
    {
        if (!Member.IsName(asked.Name)) return Refusal.Of(StatusCodes.Status400BadRequest, "name-wrong", asked.Name);
        var secret = System.Text.Encoding.UTF8.GetBytes(registry.JoinSecret(renew: false));
        if (!CryptographicOperations.FixedTimeEquals(secret, System.Text.Encoding.UTF8.GetBytes(asked.Secret ?? ""))) return Refusal.Of(StatusCodes.Status403Forbidden, "join-code-old");
        if (ReadRequest(asked.Request) is not { } read) return Refusal.Of(StatusCodes.Status400BadRequest, "request-wrong");

        var (der, fingerprint) = read;
        if (registry.ByKey(fingerprint.Plain) is { RevokedAt: null } member)
        {
            return member.Name == asked.Name ? Results.Json(Answer(member)) : Refusal.Of(StatusCodes.Status409Conflict, "key-is-of-another", member.Name, asked.Name);
        }
        if (registry.IsRetired(fingerprint.Plain)) return Refusal.Of(StatusCodes.Status403Forbidden, "key-retired");
        var address = context.Connection.RemoteIpAddress?.ToString() ?? "";
        if (!registry.Ask(new(asked.Name!, asked.Role, fingerprint.Plain, der, address, time.GetUtcNow()))) return Refusal.Of(StatusCodes.Status503ServiceUnavailable, "too-many-wait", Registry.MostWaiting);
        LogLines.Asked(log, asked.Name!);
        return Results.Json(Pending(asked.Name!, fingerprint.Plain), statusCode: StatusCodes.Status202Accepted);
    }

    private IResult EnrolmentOf(string fingerprint)
    {
        if (!KeyFingerprint.TryParse(fingerprint, out var key)) return Refusal.Of(StatusCodes.Status400BadRequest, "fingerprint-unreadable", fingerprint);
        var asked = registry.AskedBy(key.Plain); // before the members: an approval between the two makes a member of it, and neither is missed
        if (registry.ByKey(key.Plain) is { RevokedAt: null } member) return Results.Json(Answer(member));
        if (asked is not null) return Results.Json(Pending(asked.Name, key.Plain));
        return Refusal.Of(StatusCodes.Status404NotFound, "not-approved", key.ToString());
    }

    private IResult Me(HttpContext context)
    {
        var caller = context.Features.GetRequiredFeature<CallerIdentity>();
        var member = registry.ByKey(caller.KeyFingerprint);
        return Results.Json(new CallerInfo(caller.Name, caller.Role, caller.KeyFingerprint, member?.NotAfter, time.GetUtcNow()));
    }

    private async Task<IResult> RenewAsync(HttpContext context, CancellationToken cancellationToken)
    {
        await context.Request.Body.CopyToAsync(Stream.Null, cancellationToken);
        var caller = context.Features.GetRequiredFeature<CallerIdentity>();
        var member = registry.Renew(registry.ByKey(caller.KeyFingerprint)!);
        LogLines.Renewed(log, member.Name, member.NotAfter);
        return Results.Json(Answer(member));
    }

    private static async Task<IResult> UpAsync(HttpContext context, CancellationToken cancellationToken)
    {
        await context.Request.Body.CopyToAsync(Stream.Null, cancellationToken);
        return Results.NoContent();
    }

    private static async Task DownAsync(HttpContext context, int bytes, CancellationToken cancellationToken)
    {
        if (bytes is < 1 or > LargestProbe)
        {
            await Refusal.WriteAsync(context, StatusCodes.Status400BadRequest, "probe-size", LargestProbe);
            return;
        }
        // Random, as a proxy might compress anything else and flatter the line.
        context.Response.ContentType = "application/octet-stream";
        context.Response.ContentLength = bytes;
        await context.Response.Body.WriteAsync(RandomNumberGenerator.GetBytes(bytes), cancellationToken);
    }

    private EnrolmentAnswer Pending(string name, string fingerprint) =>
        new(EnrolmentState.Waiting, fingerprint, Certificate: null) { NameTaken = registry.ByName(name) is { RevokedAt: null } holder && holder.Fingerprint != fingerprint };

    private static EnrolmentAnswer Answer(Member member) => new(EnrolmentState.Approved, member.Fingerprint, Convert.ToBase64String(member.Certificate));

    private object MemberInfo(Member member) => new { member.Name, role = member.Role.ToString(), member.Fingerprint, member.NotAfter, member.ApprovedAt, member.RevokedAt };

    private static (byte[] Der, KeyFingerprint Fingerprint)? ReadRequest(string? base64)
    {
        if (base64 is not { Length: > 0 and <= LargestRequest }) return null;
        try
        {
            // Loading checks the request's own signature: who asks holds the key.
            var der = Convert.FromBase64String(base64);
            var request = CertificateRequest.LoadSigningRequest(der, HashAlgorithmName.SHA256, CertificateRequestLoadOptions.Default);
            using var key = request.PublicKey.GetECDsaPublicKey();
            return key is { KeySize: 256 } ? (der, KeyFingerprint.Of(key)) : null;
        }
        catch (Exception e) when (e is FormatException or CryptographicException or AsnContentException or ArgumentException)
        {
            return null;
        }
    }

    /// <summary>The largest body of one endpoint; others take <see cref="Limits.LargestControlBody"/>.</summary>
    private sealed record BodyLimit(long? MaxRequestBodySize) : IRequestSizeLimitMetadata;
}
