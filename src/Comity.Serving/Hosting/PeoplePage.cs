using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Unicode;
using Comity.Data.Contracts;
using Comity.Data.Records;
using Comity.Serving.Inference;
using Comity.Serving.Protocol;
using Microsoft.AspNetCore.Http;

namespace Comity.Serving.Hosting;

/// <summary>A small page for people: a form made from the contract, the answer with its certainty, and a way to say what became of it.</summary>
internal static class PeoplePage
{
    private static readonly HtmlEncoder Html = HtmlEncoder.Create(UnicodeRanges.All);

    public static Task WriteAsync(HttpContext context, string file, ServerOptions options, ModelRegistry registry, CultureInfo language)
    {
        if (file == "page.css") return SendAsync(context, "text/css; charset=utf-8", Resource(file));
        if (file == "page.js") return SendAsync(context, "text/javascript; charset=utf-8", Resource(file));
        string? wanted = context.Request.Query["model"];
        var route = wanted is null ? registry.Routes.Values.FirstOrDefault() : registry.Routes.GetValueOrDefault(wanted);
        if (route is null) throw new RequestRefusedException(503, RequestRefusedException.Problem("not-ready", "")) { RetryAfterSeconds = 1 };
        return SendAsync(context, "text/html; charset=utf-8", Render(route.Stable, options, language));
    }

    private static Task SendAsync(HttpContext context, string type, string text)
    {
        var headers = context.Response.Headers;
        headers.ContentSecurityPolicy = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
        headers.XContentTypeOptions = "nosniff";
        headers["Referrer-Policy"] = "no-referrer";
        headers.CacheControl = "no-cache";
        var bytes = Encoding.UTF8.GetBytes(text);
        (context.Response.ContentType, context.Response.ContentLength) = (type, bytes.Length);
        return HttpMethods.IsHead(context.Request.Method) ? Task.CompletedTask : context.Response.Body.WriteAsync(bytes).AsTask();
    }

    private static string Render(ModelVersion version, ServerOptions options, CultureInfo language)
    {
        string T(string key, params object?[] arguments) => Html.Encode(Messages.Catalog.Text("page." + key, language, arguments));
        var (manifest, model) = (version.Model.Manifest, version.Model);
        var label = Html.Encode(model.Preprocessing.Contract.Label.Column);
        var market = manifest.Markets.FirstOrDefault(m => m.Id == options.Market);
        var page = new StringBuilder();
        page.Append(CultureInfo.InvariantCulture, $"<!DOCTYPE html>\n<html lang=\"{language.Name}\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light dark\">\n");
        page.Append(CultureInfo.InvariantCulture, $"<title>{Html.Encode(manifest.Name)} · {T("title")}</title>\n<link rel=\"stylesheet\" href=\"/page.css\">\n</head>\n<body>\n<main>\n<header>\n");
        page.Append(CultureInfo.InvariantCulture, $"<p class=\"eyebrow\">{T("market", market?.Name ?? options.Market)}</p>\n<h1>{T("heading", model.Preprocessing.Contract.Label.Column)}</h1>\n");
        page.Append(CultureInfo.InvariantCulture, $"<p class=\"lead\">{T("lead")}</p>\n");
        if (manifest.Purpose is { Length: > 0 } purpose) page.Append(CultureInfo.InvariantCulture, $"<p>{Html.Encode(purpose)}</p>\n");
        page.Append(CultureInfo.InvariantCulture, $"<nav><a href=\"?lang=en\"{(language.Name == "en" ? " aria-current=\"true\"" : "")} lang=\"en\">English</a> <a href=\"?lang=zh-Hans\"{(language.Name != "en" ? " aria-current=\"true\"" : "")} lang=\"zh-Hans\">简体中文</a></nav>\n</header>\n");
        if (model.Records is not { } records) return page.Append(CultureInfo.InvariantCulture, $"<p>{T("encoded-only")}</p>\n</main>\n</body>\n</html>\n").ToString();

        page.Append(CultureInfo.InvariantCulture, $"<form id=\"record\" data-model=\"{manifest.Name}\" data-failed=\"{T("failed")}\" data-value=\"{T("value")}\" data-certainty=\"{T("certainty")}\" data-missing=\"{T("missing")}\" data-range=\"{T("out-of-range")}\" data-thanks=\"{T("thanks")}\" data-separator=\"{T("separator")}\">\n<div class=\"fields\">\n");
        foreach (var field in records.Fields) Field(page, field, T);
        page.Append(CultureInfo.InvariantCulture, $"</div>\n<p class=\"actions\"><button type=\"submit\">{T("ask")}</button> <button type=\"reset\" class=\"plain\">{T("clear")}</button></p>\n</form>\n");
        page.Append("<section id=\"answer\" hidden aria-live=\"polite\">\n");
        page.Append(CultureInfo.InvariantCulture, $"<h2>{T("answer")}</h2>\n<p class=\"label\" id=\"label\"></p>\n<p id=\"certainty\"></p>\n<dl id=\"probabilities\"></dl>\n<p id=\"noted\" class=\"noted\"></p>\n<p class=\"small\">{T("not-advice")}</p>\n");
        page.Append(CultureInfo.InvariantCulture, $"<form id=\"feedback\">\n<h3>{T("feedback")}</h3>\n<p class=\"small\">{T("feedback-lead")}</p>\n<div class=\"fields\">\n");
        if (model.Classes.Count > 0)
        {
            page.Append(CultureInfo.InvariantCulture, $"<label><span>{label}</span><select name=\"label\"><option value=\"\">{T("not-known")}</option>");
            foreach (var name in model.Classes) page.Append(CultureInfo.InvariantCulture, $"<option>{Html.Encode(name)}</option>");
            page.Append("</select></label>\n");
        }
        else
        {
            page.Append(CultureInfo.InvariantCulture, $"<label><span>{label}</span><input name=\"label\" inputmode=\"decimal\"></label>\n");
        }
        page.Append(CultureInfo.InvariantCulture, $"<label><span>{T("rating")}</span><select name=\"rating\"><option value=\"\"></option><option>1</option><option>2</option><option>3</option><option>4</option><option>5</option></select></label>\n");
        page.Append(CultureInfo.InvariantCulture, $"<label class=\"wide\"><span>{T("comment")}</span><textarea name=\"comment\" rows=\"2\" maxlength=\"4000\"></textarea></label>\n</div>\n<p class=\"actions\"><button type=\"submit\">{T("send")}</button> <span id=\"thanks\" role=\"status\"></span></p>\n</form>\n</section>\n");
        page.Append(CultureInfo.InvariantCulture, $"<p id=\"problem\" class=\"problem\" role=\"alert\" hidden></p>\n<footer><p class=\"small\">{T("footer", manifest.Id, market?.TestRows > 0 ? market.TestRows : 0)} · <a href=\"/openapi.json\">OpenAPI</a></p></footer>\n</main>\n<script src=\"/page.js\" defer></script>\n</body>\n</html>\n");
        return page.ToString();
    }

    private static void Field(StringBuilder page, RecordField field, Func<string, object?[], string> t)
    {
        var name = Html.Encode(field.Column);
        var unit = field.Unit is null ? "" : $" <small>{Html.Encode(field.Unit)}</small>";
        page.Append(CultureInfo.InvariantCulture, $"<label{(field.Kind == FeatureKind.Text ? " class=\"wide\"" : "")}><span>{name}{unit}</span>");
        if (field.Levels.Count > 0)
        {
            page.Append(CultureInfo.InvariantCulture, $"<select name=\"{name}\"><option value=\"\">{t("not-known", [])}</option>");
            foreach (var level in field.Levels) page.Append(CultureInfo.InvariantCulture, $"<option>{Html.Encode(level)}</option>");
            page.Append("</select>");
        }
        else if (field.Kind == FeatureKind.Date && field.Format is null)
        {
            page.Append(CultureInfo.InvariantCulture, $"<input name=\"{name}\" type=\"date\">");
        }
        else if (field.Kind == FeatureKind.Text)
        {
            page.Append(CultureInfo.InvariantCulture, $"<textarea name=\"{name}\" rows=\"5\"></textarea>");
        }
        else if (field.Kind is FeatureKind.Image or FeatureKind.Audio)
        {
            page.Append(CultureInfo.InvariantCulture, $"<input name=\"{name}\" type=\"file\" accept=\"{(field.Kind == FeatureKind.Image ? "image/png" : "audio/wav")}\">");
        }
        else
        {
            var hint = field.Range is { } range ? $"{range.Low?.ToString("R", CultureInfo.InvariantCulture) ?? "…"} – {range.High?.ToString("R", CultureInfo.InvariantCulture) ?? "…"}" : field.Format ?? "";
            page.Append(CultureInfo.InvariantCulture, $"<input name=\"{name}\"{(field.Kind == FeatureKind.Number ? " inputmode=\"decimal\"" : "")} placeholder=\"{Html.Encode(hint)}\" autocomplete=\"off\">");
        }
        page.Append("</label>\n");
    }

    private static string Resource(string name)
    {
        using var stream = typeof(PeoplePage).Assembly.GetManifestResourceStream(name) ?? throw new InvalidOperationException($"{name} is not embedded in this build.");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
