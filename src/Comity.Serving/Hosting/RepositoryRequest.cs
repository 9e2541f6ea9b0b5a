using System.Text.Json;
using Comity.Serving.Protocol;
using Microsoft.AspNetCore.Http;

namespace Comity.Serving.Hosting;

/// <summary>Which version is put in or out of service: <c>{"parameters": {"version": "1.1.0", "share": 0.1}}</c>.</summary>
internal static class RepositoryRequest
{
    public static async Task<(string Version, double Share)> ReadAsync(HttpContext context)
    {
        try
        {
            using var document = await JsonDocument.ParseAsync(context.Request.Body, default, context.RequestAborted);
            if (document.RootElement.ValueKind == JsonValueKind.Object && document.RootElement.TryGetProperty("parameters", out var parameters) && parameters.ValueKind == JsonValueKind.Object
                && parameters.TryGetProperty("version", out var version) && version.ValueKind == JsonValueKind.String)
            {
                var share = 1.0;
                if (!parameters.TryGetProperty("share", out var given) || (given.ValueKind == JsonValueKind.Number && given.TryGetDouble(out share) && share is >= 0 and <= 1)) return (version.GetString()!, share);
            }
        }
        catch (JsonException)
        {
            // said below
        }
        throw RequestRefusedException.Of(400, "repository-form", "parameters");
    }
}
