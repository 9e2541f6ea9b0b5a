using Comity.Transport.Identity;

namespace Comity.Coordinator.Access;

/// <summary>One call of the coordinator, and who may make it.</summary>
/// <param name="Method">HTTP method.</param>
/// <param name="Route">Pattern of the route, as it is mapped.</param>
/// <param name="Purpose">What it does, in one line of the documentation.</param>
/// <param name="Roles">Who may; empty with <paramref name="Anyone"/>.</param>
/// <param name="Anyone">Whether it may be made without proving who one is.</param>
internal sealed record AccessRule(string Method, string Route, string Purpose, IReadOnlySet<CallerRole> Roles, bool Anyone = false)
{
    public bool Allows(CallerIdentity? caller) => Anyone || (caller is not null && Roles.Contains(caller.Role));
}

/// <summary>Who may call what. A call that is not in this table is refused, and a test holds the table against the routes and docs/access.md.</summary>
internal static class AccessTable
{
    private static readonly CallerRole[] People = [CallerRole.Viewer, CallerRole.Steward, CallerRole.Author, CallerRole.Operator];

    /// <summary>All rules.</summary>
    public static IReadOnlyList<AccessRule> Rules { get; } =
    [
        Anyone("GET", "/healthz", "the process lives"),
        Anyone("GET", "/readyz", "the process can work"),
        Anyone("GET", "/v1/protocol", "versions of the wire, and the clock"),
        Anyone("GET", "/v1/openapi.json", "all calls and messages, as OpenAPI"),
        Anyone("GET", "/v1/hello", "the coordinator proves its key"),
        Anyone("POST", "/v1/enrolments", "ask to join; a join code is needed"),
        Anyone("GET", "/v1/enrolments/{fingerprint}", "what came of it"),
        For("GET", "/v1/me", "who the coordinator takes the caller for", [CallerRole.Site, CallerRole.Server, .. People]),
        For("POST", "/v1/me/certificate", "renew the caller's certificate", [CallerRole.Site, CallerRole.Server]),
        For("POST", "/v1/bandwidth", "measure the way up", [CallerRole.Site, .. People]),
        For("GET", "/v1/bandwidth", "measure the way down", [CallerRole.Site, .. People]),
        For("POST", "/v1/studies", "submit a study", [CallerRole.Author, CallerRole.Operator]),
        For("GET", "/v1/studies", "list studies", People),
        For("GET", "/v1/studies/{study}", "watch a study", People),
        For("GET", "/v1/studies/{study}/file", "the study as it was handed in", People),
        For("POST", "/v1/studies/{study}/cancel", "cancel a study", [CallerRole.Author, CallerRole.Operator]),
        For("POST", "/v1/studies/{study}/resume", "let a stopped study go on", [CallerRole.Author, CallerRole.Operator]),
        For("POST", "/v1/studies/{study}/withdraw", "leave a study", [CallerRole.Site]),
        For("GET", "/v1/studies/{study}/results", "read results", People),
        For("GET", "/v1/studies/{study}/artefacts", "list a study's files", [CallerRole.Author, CallerRole.Operator]),
        For("GET", "/v1/studies/{study}/models/{number:int}", "take a model", [CallerRole.Author, CallerRole.Operator]),
        For("POST", "/v1/work", "ask for work", [CallerRole.Site]),
        For("POST", "/v1/progress", "report progress", [CallerRole.Site]),
        For("GET", "/v1/tasks/{key}/bodies/{digest}/manifest", "digests of a body's chunks", [CallerRole.Site]),
        For("GET", "/v1/tasks/{key}/bodies/{digest}", "fetch a body", [CallerRole.Site]),
        For("POST", "/v1/tasks/{key}/upload", "begin or resume an upload", [CallerRole.Site]),
        For("PUT", "/v1/tasks/{key}/upload/{digest}/{chunk:int}", "upload a chunk", [CallerRole.Site]),
        For("POST", "/v1/tasks/{key}/answer", "answer a task", [CallerRole.Site]),
        For("GET", "/v1/deployments/orders", "list or await orders", [CallerRole.Server, .. People]),
        For("GET", "/v1/deployments/orders/{name}", "the signed order of a model", [CallerRole.Server, .. People]),
        For("PUT", "/v1/deployments/orders/{name}", "hand an order in", [CallerRole.Author, CallerRole.Operator]),
        For("GET", "/v1/deployments/releases", "which releases are here", [CallerRole.Server, .. People]),
        For("GET", "/v1/deployments/releases/{sha256}", "fetch a release", [CallerRole.Server, .. People]),
        For("PUT", "/v1/deployments/releases/{sha256}", "hand a release in", [CallerRole.Author, CallerRole.Operator]),
        For("PUT", "/v1/deployments/nodes/me", "tell what a node does", [CallerRole.Server]),
        For("GET", "/v1/deployments/nodes", "what the nodes do", [CallerRole.Server, .. People]),
        For("GET", "/v1/members", "who belongs, and whose certificate ends when", [CallerRole.Operator]),
    ];

    /// <summary>The rule of an endpoint, or null: refused.</summary>
    public static AccessRule? Of(string method, string? route) => Rules.FirstOrDefault(r => r.Method == method && r.Route == route);

    /// <summary>Holds what is mapped against the table, so that nothing is served that nobody thought about.</summary>
    /// <exception cref="InvalidOperationException">They differ; names each difference.</exception>
    public static void Require(IEnumerable<EndpointDataSource> mapped)
    {
        var served = mapped.SelectMany(s => s.Endpoints).OfType<RouteEndpoint>()
            .SelectMany(e => (e.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods ?? ["?"]).Select(m => $"{m} {e.RoutePattern.RawText}")).ToHashSet(StringComparer.Ordinal);
        var differing = served.Except(Rules.Select(r => $"{r.Method} {r.Route}")).Select(d => d + " is mapped and has no rule")
            .Concat(Rules.Select(r => $"{r.Method} {r.Route}").Except(served).Select(d => d + " has a rule and is not mapped")).ToList();
        if (differing.Count > 0) throw new InvalidOperationException($"AccessTable.Rules and the routes differ: {string.Join("; ", differing)}.");
    }

    private static AccessRule Anyone(string method, string route, string purpose) => new(method, route, purpose, new HashSet<CallerRole>(), Anyone: true);

    private static AccessRule For(string method, string route, string purpose, IEnumerable<CallerRole> roles) => new(method, route, purpose, roles.ToHashSet());
}
