using System.Globalization;
using System.Text;
using System.Text.Json;
using Comity.Declarations;
using Comity.Serving.Protocol;
using Microsoft.AspNetCore.Http;

namespace Comity.Serving.Hosting;

/// <summary>The protocol's error, <c>{"error": "…"}</c>, with each problem's field, finding and expectation besides.</summary>
internal static class ErrorAnswer
{
    private static readonly JsonSerializerOptions Options = new() { PropertyNamingPolicy = JsonNamingPolicy.CamelCase, Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static Task WriteAsync(HttpContext context, RequestRefusedException refused, CultureInfo language)
    {
        var response = context.Response;
        response.StatusCode = refused.Status;
        response.ContentType = "application/json; charset=utf-8";
        if (refused.RetryAfterSeconds is { } seconds) response.Headers.RetryAfter = seconds.ToString(CultureInfo.InvariantCulture);
        if (refused.Status == StatusCodes.Status401Unauthorized) response.Headers.WWWAuthenticate = "Bearer";
        var first = refused.Problems[0];
        var body = JsonSerializer.SerializeToUtf8Bytes(
            new Answer(Text(first, language), first.Code, [.. refused.Problems.Select(p => new Detail(p.Code, p.Place.Path, p.Found(language), p.Expected(language), p.Remedy(language)))]), Options);
        response.ContentLength = body.Length;
        return response.Body.WriteAsync(body).AsTask();
    }

    private static string Text(Problem problem, CultureInfo language)
    {
        var text = new StringBuilder();
        if (problem.Place.Path.Length > 0) text.Append(problem.Place.Path).Append(": ");
        return text.Append(problem.Found(language)).Append(' ').Append(problem.Expected(language)).ToString();
    }

    private sealed record Answer(string Error, string Code, IReadOnlyList<Detail> Problems);

    private sealed record Detail(string Code, string Field, string Found, string Expected, string Remedy);
}
