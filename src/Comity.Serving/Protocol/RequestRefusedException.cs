using Comity.Declarations;

namespace Comity.Serving.Protocol;

/// <summary>A request can't be answered; says with which HTTP status, and everything that is wrong with it.</summary>
internal sealed class RequestRefusedException(int status, params IReadOnlyList<Problem> problems) : Exception(problems[0].Code)
{
    public int Status { get; } = status;

    public IReadOnlyList<Problem> Problems { get; } = problems;

    /// <summary>Seconds after which it may be sent again; null: it would be refused again.</summary>
    public int? RetryAfterSeconds { get; init; }

    public static RequestRefusedException Of(int status, string code, string field, params object?[] arguments) => new(status, Problem(code, field, arguments));

    /// <summary>A problem of a request: its place is the path of keys to the field.</summary>
    public static Problem Problem(string code, string field, params object?[] arguments) => new(Messages.Catalog, code, new Place("request", 0, 0, field), arguments);
}
