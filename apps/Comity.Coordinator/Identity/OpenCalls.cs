using System.Collections.Concurrent;
using Comity.Transport.Identity;

namespace Comity.Coordinator.Identity;

/// <summary>Calls that are being answered, so that a revocation ends those too that were let in before it.</summary>
internal sealed class OpenCalls
{
    private readonly ConcurrentDictionary<Call, byte> _calls = new();

    public IDisposable Enter(CallerIdentity caller, HttpContext context)
    {
        var call = new Call(this, caller, context);
        _calls[call] = 0;
        return call;
    }

    /// <summary>Ends each call whose key or token is no longer in force.</summary>
    public int EndUnless(Func<CallerIdentity, bool> inForce)
    {
        var ended = 0;
        foreach (var call in _calls.Keys)
        {
            if (inForce(call.Caller)) continue;
            call.Context.Abort();
            ended++;
        }
        return ended;
    }

    private sealed class Call(OpenCalls owner, CallerIdentity caller, HttpContext context) : IDisposable
    {
        public CallerIdentity Caller => caller;

        public HttpContext Context => context;

        public void Dispose() => owner._calls.TryRemove(this, out _);
    }
}
