using System.Net;
using System.Threading.RateLimiting;
using Microsoft.AspNetCore.RateLimiting;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Comity.Coordinator.Hosting;

/// <summary>Nothing reads an unbounded anything: headers, bodies, connections, time to send them, calls a second.</summary>
internal static class Limits
{
    /// <summary>Largest body of a call that says nothing else of itself, in bytes.</summary>
    public const int LargestControlBody = 64 * 1024;

    /// <summary>Name of the policy of calls that ask to join.</summary>
    public const string Enrolment = "enrolment";

    private const int LargestHeaders = 16 * 1024;
    private const int MostConnections = 10_000;
    private const int EnrolmentsPerMinute = 30;

    public static void Apply(KestrelServerLimits limits)
    {
        limits.MaxRequestBodySize = LargestControlBody;
        limits.MaxRequestHeadersTotalSize = LargestHeaders;
        limits.MaxRequestHeaderCount = 64;
        limits.MaxRequestLineSize = 4096;
        limits.MaxConcurrentConnections = MostConnections;
        limits.RequestHeadersTimeout = TimeSpan.FromSeconds(15);
        limits.KeepAliveTimeout = TimeSpan.FromMinutes(5);
        limits.MinRequestBodyDataRate = new(bytesPerSecond: 240, gracePeriod: TimeSpan.FromSeconds(15));
        limits.Http2.MaxStreamsPerConnection = 100;
        limits.Http2.KeepAlivePingDelay = TimeSpan.FromSeconds(30); // finds half-open connections
    }

    public static void Apply(RateLimiterOptions options, int callsPerSecond)
    {
        options.GlobalLimiter = PartitionedRateLimiter.Create<HttpContext, IPAddress>(context => RateLimitPartition.GetTokenBucketLimiter(AddressOf(context), _ => new()
        {
            TokenLimit = 4 * callsPerSecond,
            TokensPerPeriod = Math.Max(1, callsPerSecond / 10),
            ReplenishmentPeriod = TimeSpan.FromMilliseconds(100),
            QueueLimit = 0,
            AutoReplenishment = true,
        }));
        options.AddPolicy(Enrolment, context => RateLimitPartition.GetFixedWindowLimiter(AddressOf(context), _ => new() { PermitLimit = EnrolmentsPerMinute, Window = TimeSpan.FromMinutes(1), QueueLimit = 0 }));
        options.OnRejected = async (rejected, _) =>
        {
            rejected.HttpContext.Response.Headers.RetryAfter = "1";
            await Refusal.WriteAsync(rejected.HttpContext, StatusCodes.Status429TooManyRequests, "too-many-calls");
        };
    }

    private static IPAddress AddressOf(HttpContext context) => context.Connection.RemoteIpAddress ?? IPAddress.None;
}
