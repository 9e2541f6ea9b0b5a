using Comity.Coordinator.Access;
using Comity.Coordinator.Hosting;
using Comity.Transport.Identity;

namespace Comity.Coordinator.Identity;

/// <summary>Looks every half second whether a key or token of an open call was revoked, and once a day whose certificate is about to end.</summary>
internal sealed class Watchman(Registry registry, Tokens tokens, OpenCalls open, TimeProvider time, ILogger<Watchman> log) : BackgroundService
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan WarnEvery = TimeSpan.FromDays(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var warned = DateTimeOffset.MinValue;
        while (await WaitedAsync(stoppingToken))
        {
            var now = time.GetUtcNow();
            var ended = open.EndUnless(caller => registry.ByKey(caller.KeyFingerprint) is { } member ? member.RevokedAt is null : tokens.InForce(caller.KeyFingerprint, now));
            if (ended > 0) LogLines.Ended(log, ended);
            if (now - warned < WarnEvery) continue;
            warned = now;
            foreach (var member in registry.Members.Where(m => m.RevokedAt is null && m.NotAfter - now < CertificateAuthority.WarnAhead)) LogLines.Expires(log, member.Name, member.NotAfter);
        }
    }

    private async Task<bool> WaitedAsync(CancellationToken stoppingToken)
    {
        try
        {
            await Task.Delay(LookEvery, stoppingToken); // real time, whatever clock judges the certificates
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }
}
