using System.Net;
using Comity.Transport.Protocol;

namespace Comity.Transport.Clients;

/// <summary>The coordinator answered, and the answer is no.</summary>
/// <param name="status">Status of the answer.</param>
/// <param name="told">Why.</param>
public sealed class WireException(HttpStatusCode status, ToldProblem told) : Exception($"{(int)status} {told?.Code}: {told?.Found.En} {told?.Remedy.En}")
{
    /// <summary>Status of the answer.</summary>
    public HttpStatusCode Status { get; } = status;

    /// <summary>Why.</summary>
    public ToldProblem Told { get; } = told ?? throw new ArgumentNullException(nameof(told));

    /// <summary>Whether the coordinator will not have this caller at all, so that asking again is of no use before a person has done something.</summary>
    public bool IsFinal => Told.Code is "key-unknown" or "key-retired" or "certificate-expired" or "certificate-foreign" or "certificate-of-another" or "signature-wrong"
        or "role-barred" or "caller-not-allowed" or "protocol-unknown" or "no-such-call";

    /// <summary>Whether the same call may succeed later: the coordinator is overloaded, or starting, or another replica answered than the one whose epoch was signed for.</summary>
    public bool MayPass => Status is HttpStatusCode.TooManyRequests or HttpStatusCode.RequestTimeout || (int)Status >= 500 || Told.Code is "other-epoch" or "replayed";
}
