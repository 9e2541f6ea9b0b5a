using Comity.Coordinator.Hosting;
using Comity.Transport.Identity;

namespace Comity.Coordinator.Access;

/// <summary>Refuses what the table of access does not allow: an unknown route, a call without a caller, a role or a study out of bounds.</summary>
internal sealed class AccessMiddleware(RequestDelegate next)
{
    /// <summary>Name of the route value that holds a study's id.</summary>
    private const string StudyValue = "study";

    public Task InvokeAsync(HttpContext context)
    {
        if (context.GetEndpoint() is not RouteEndpoint endpoint) return Refusal.WriteAsync(context, StatusCodes.Status404NotFound, "no-such-call", context.Request.Method);
        var rule = AccessTable.Of(context.Request.Method, endpoint.RoutePattern.RawText);
        if (rule is null) return Refusal.WriteAsync(context, StatusCodes.Status404NotFound, "no-such-call", context.Request.Method);
        var caller = context.Features.Get<CallerIdentity>();
        if (!rule.Allows(caller))
        {
            return caller is null
                ? Refusal.WriteAsync(context, StatusCodes.Status401Unauthorized, "not-signed-in")
                : Refusal.WriteAsync(context, StatusCodes.Status403Forbidden, "role-barred", caller.Name, caller.Role.ToString().ToLowerInvariant(), string.Join(", ", rule.Roles.Order().Select(r => r.ToString().ToLowerInvariant())));
        }
        if (caller is not null && context.Request.RouteValues[StudyValue] is string study && !caller.Covers(study))
            return Refusal.WriteAsync(context, StatusCodes.Status403Forbidden, "study-barred", caller.Name);
        return next(context);
    }
}
