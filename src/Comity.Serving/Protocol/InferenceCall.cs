using Microsoft.AspNetCore.Http;

namespace Comity.Serving.Protocol;

/// <summary>How a request's body is written.</summary>
internal enum RequestForm
{
    /// <summary>Records by column names, in JSON.</summary>
    Records,

    /// <summary>Records with a header line, in CSV.</summary>
    Csv,

    /// <summary>Tensors of the Open Inference Protocol.</summary>
    Tensors,
}

/// <summary>Which model a request asks, and in which form.</summary>
/// <remarks>Names are looked at where they stand in the path: most requests need no text of their own.</remarks>
internal readonly struct InferenceCall
{
    private const string Predict = "/predict", Models = "/v2/models/", Versions = "/versions/", Infer = "/infer";
    private readonly string _text;
    private readonly (int Start, int Length) _name;
    private readonly (int Start, int Length) _version;

    private InferenceCall(RequestForm form, string text, (int Start, int Length) name, (int Start, int Length) version) => (Form, _text, _name, _version) = (form, text, name, version);

    public RequestForm Form { get; init; }

    /// <summary>Name of the model; empty: the only one.</summary>
    public ReadOnlySpan<char> Name => _text.AsSpan(_name.Start, _name.Length);

    /// <summary>Version; empty: the route decides.</summary>
    public ReadOnlySpan<char> Version => _text.AsSpan(_version.Start, _version.Length);

    /// <summary>Whether a category that no training row had counts as missing.</summary>
    public bool UnseenIsMissing { get; init; }

    /// <summary>Length of the JSON part, where binary data follow it; −1: there are none.</summary>
    public int JsonLength { get; init; } = -1;

    /// <summary>The same request for a model named in the query.</summary>
    public InferenceCall For(string? name) => string.IsNullOrEmpty(name) ? this : new(Form, name, (0, name.Length), default);

    /// <summary>Reads the path of a request for answers: <c>/predict[/NAME[/VERSION]]</c>, <c>/v2/models/NAME[/versions/VERSION]/infer</c>.</summary>
    public static bool TryRead(HttpRequest request, out InferenceCall call)
    {
        call = default;
        if (!HttpMethods.IsPost(request.Method) || request.Path.Value is not { } path) return false;
        if (path.StartsWith(Predict, StringComparison.Ordinal))
        {
            var end = path.Length > Predict.Length && path[^1] == '/' ? path.Length - 1 : path.Length;
            if (end == Predict.Length)
            {
                call = new InferenceCall(RequestForm.Records, path, default, default);
                return true;
            }
            if (path[Predict.Length] != '/') return false;
            var start = Predict.Length + 1;
            var slash = path.AsSpan(start, end - start).IndexOf('/');
            call = slash < 0
                ? new InferenceCall(RequestForm.Records, path, (start, end - start), default)
                : new InferenceCall(RequestForm.Records, path, (start, slash), (start + slash + 1, end - start - slash - 1));
            return !call.Name.IsEmpty && !call.Version.Contains('/') && (slash < 0 || !call.Version.IsEmpty);
        }
        if (!path.StartsWith(Models, StringComparison.Ordinal) || !path.EndsWith(Infer, StringComparison.Ordinal) || path.Length <= Models.Length + Infer.Length) return false;
        var middle = path.AsSpan(Models.Length, path.Length - Models.Length - Infer.Length);
        var at = middle.IndexOf('/');
        if (at < 0)
        {
            call = new InferenceCall(RequestForm.Tensors, path, (Models.Length, middle.Length), default);
            return true;
        }
        if (at == 0 || !middle[at..].StartsWith(Versions, StringComparison.Ordinal)) return false;
        call = new InferenceCall(RequestForm.Tensors, path, (Models.Length, at), (Models.Length + at + Versions.Length, middle.Length - at - Versions.Length));
        return !call.Version.IsEmpty && !call.Version.Contains('/');
    }
}
