using System.Data.Common;
using Comity.Coordinator.Access;
using Comity.Coordinator.Hosting;
using Comity.Coordinator.Storage;
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
            try
            {
                warned = Look(warned);
            }
            catch (Exception e) when (e is StoreUnavailableException or StaleEpochException or DbException)
            {
                // The database is away, and what is revoked stands there: it is looked again. To fail here would end the whole process.
            }
        }
    }

    private DateTimeOffset Look(DateTimeOffset warned)
    {
        var now = time.GetUtcNow();
        var ended = open.EndUnless(caller => registry.ByKey(caller.KeyFingerprint) is { } member ? member.RevokedAt is null : tokens.InForce(caller.KeyFingerprint, now));
        if (ended > 0) LogLines.Ended(log, ended);
        if (now - warned < WarnEvery) return warned;
        foreach (var member in registry.Members.Where(m => m.RevokedAt is null && m.NotAfter - now < CertificateAuthority.WarnAhead)) LogLines.Expires(log, member.Name, member.NotAfter);
        return now;
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
