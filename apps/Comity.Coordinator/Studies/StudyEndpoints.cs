using System.Reflection;
using Comity.Transport.Protocol;

namespace Comity.Coordinator.Studies;

/// <summary>The part of <c>/v1</c> that is about studies: the host maps it once it knows who calls (<see cref="Comity.Transport.Identity.CallerIdentity"/>).</summary>
internal static class StudyEndpoints
{
    /// <summary>Maps the endpoints.</summary>
    public static IEndpointRouteBuilder MapStudies(this IEndpointRouteBuilder routes, StudyServer studies)
    {
        routes.MapGet("/v1/protocol", () => Results.Json(new ProtocolInfo(ProtocolVersion.Oldest, ProtocolVersion.Newest, Software, studies.Time.GetUtcNow())));
        return routes;
    }

    private static string Software { get; } = typeof(StudyEndpoints).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "0";
}
