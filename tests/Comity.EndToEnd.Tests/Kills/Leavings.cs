using System.Collections.Concurrent;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Comity.Federation.Spool;
using Comity.Testing;

namespace Comity.EndToEnd.Tests.Kills;

/// <summary>What killed processes left behind, and what must hold of it at every moment.</summary>
internal sealed class Leavings
{
    private readonly ConcurrentDictionary<(string Run, string Site, string Answer), string> _charged = new();
    private readonly ConcurrentDictionary<(string Run, string Site, string Plan), string> _vectors = new();
    private readonly ConcurrentDictionary<string, (string Run, string Plan)> _keys = new(StringComparer.Ordinal);

    /// <summary>Looks at a run that was just killed.</summary>
    /// <param name="run">Its folder.</param>
    /// <param name="whole">The charges of the undisturbed run; a digest that is empty may be any.</param>
    /// <param name="before">The step before which it was killed.</param>
    public void Check(string run, IReadOnlyList<Charge> whole, string before)
    {
        var charges = LedgerFile.Charges(Path.Combine(run, "ledger.sqlite"));
        foreach (var charge in charges)
        {
            Assert.True(whole.Contains(charge) || whole.Contains(charge with { Sha256 = "" }), $"Killed before '{before}', the ledger holds a charge that the undisturbed run has not: {charge}");
            Assert.True(_charged.GetOrAdd((run, charge.Site, charge.Answer), charge.Sha256) == charge.Sha256, $"Killed before '{before}', a charge stands for other bytes than before: {charge}");
        }
        foreach (var site in Directory.Exists(Path.Combine(run, "sites")) ? Directory.GetDirectories(Path.Combine(run, "sites")) : [])
        {
            var own = charges.Where(c => c.Site == Path.GetFileName(site)).ToList();
            if (Directory.Exists(Path.Combine(run, "state"))) Stored(site, own, before); // else all is done, and going
            Masks(run, site, own, before);
        }
        Arrived(run, charges, before);
    }

    // Once charged, the final bytes lie there: of a round's update until the next round's is charged.
    private static void Stored(string site, List<Charge> charges, string before)
    {
        foreach (var charge in charges)
        {
            var parts = charge.Answer.Split('/');
            if (parts[0] == "federated")
            {
                var next = $"{parts[0]}/{parts[1]}/{parts[2]}/{int.Parse(parts[3], CultureInfo.InvariantCulture) + 1}";
                var path = Path.Combine(site, "gate", $"{parts[0]}~{parts[1]}~{parts[2]}~{parts[3]}.update");
                if (charge.Event.Contains("poisson", StringComparison.Ordinal) && charges.All(c => c.Answer != next))
                    Assert.True(Updates(path).Any(u => u.Sha256 == charge.Sha256), $"Killed before '{before}', {charge} stands without its bytes in {path}.");
                continue;
            }
            var file = parts[0] == "statistics" ? $"statistics~{parts[1]}~{parts[2]}.f32" : $"{string.Join('~', parts)}.f32";
            Assert.True(File.Exists(Path.Combine(site, "gate", file)) && Digest(File.ReadAllBytes(Path.Combine(site, "gate", file))) == charge.Sha256, $"Killed before '{before}', {charge} stands without its bytes in {file}.");
        }
    }

    // A key serves one plan of one run only; shares are revealed of rounds only that were charged.
    private void Masks(string run, string site, List<Charge> charges, string before)
    {
        foreach (var file in Directory.EnumerateFiles(site, "*.keys", SearchOption.AllDirectories))
        {
            if (Key(File.ReadAllBytes(file)) is not var (plan, key)) continue;
            var used = _keys.GetOrAdd(key, (run, plan));
            Assert.True(used == (run, plan), $"Killed before '{before}', a mask key of {used} serves {plan} of {run} too.");
        }
        foreach (var file in Directory.EnumerateFiles(site, "*.revealed", SearchOption.AllDirectories))
        {
            var round = int.Parse(Path.GetFileNameWithoutExtension(file), CultureInfo.InvariantCulture);
            if (round > 0) Assert.True(charges.Any(c => c.Answer.EndsWith($"/{round}", StringComparison.Ordinal)), $"Killed before '{before}', {file} stands without a charge.");
        }
    }

    // Below the masks of one plan one vector of a site arrives, however often it is sent; a noised update was charged as it arrived.
    private void Arrived(string run, IReadOnlyList<Charge> charges, string before)
    {
        var rounds = Path.Combine(run, "state", "rounds");
        foreach (var file in Directory.Exists(rounds) ? Directory.GetFiles(rounds, "*.spool", SearchOption.AllDirectories) : [])
        {
            foreach (var update in Updates(file))
            {
                if (update.MaskedUnder is { } plan)
                    Assert.True(_vectors.GetOrAdd((run, update.Site, plan), update.Sha256) == update.Sha256, $"Killed before '{before}', {update.Site} has sent two vectors below the same masks.");
                else
                    Assert.True(charges.Any(c => c.Site == update.Site && c.Sha256 == update.Sha256), $"Killed before '{before}', an update of {update.Site} has arrived that was not charged.");
            }
        }
    }

    // Read from a copy: a spool cuts off a torn end when it is opened, which is the next process's to do.
    private static List<(string Site, string Sha256, string? MaskedUnder)> Updates(string path)
    {
        if (!File.Exists(path)) return [];
        using var copy = new TempFolder();
        File.Copy(path, copy.At("spool"));
        using var spool = UpdateSpool.Open(copy.At("spool"));
        return [.. spool.Headers.Select(h =>
        {
            var body = new float[h.Length];
            spool.InOrder([h.Site]).Read(0, 0, body);
            Assert.Equal(h.Sha256, Digest(MemoryMarshal.AsBytes(body.AsSpan())));
            return (h.Site, h.Sha256, h.MaskedUnder);
        })];
    }

    /// <summary>Which state of a masked round a site's keys are kept in, from 1; 0: none.</summary>
    /// <param name="path">The file, or the one that is to take its place.</param>
    public static int StateOfKeys(string path)
    {
        var kept = path[..(path.IndexOf(".keys", StringComparison.Ordinal) + 5)];
        return File.Exists(kept) && File.ReadAllBytes(kept) is { Length: >= 48 } bytes ? BitConverter.ToInt32(bytes, 44) : 0;
    }

    // version i32 | length i32, digest of the plan (32) | site i32 | state i32 | length i32, envelope key (32) | length i32, mask key (32): while keys are kept
    private static (string Plan, string Key)? Key(byte[] kept) =>
        kept.Length >= 120 && BitConverter.ToInt32(kept, 44) is >= 1 and <= 3 ? (Convert.ToHexStringLower(kept.AsSpan(8, 32)), Convert.ToHexStringLower(kept.AsSpan(88, 32))) : null;

    private static string Digest(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));
}
