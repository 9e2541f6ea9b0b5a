using System.Security.Cryptography;
using Comity.Federation.Audit;
using Comity.Testing;

namespace Comity.Federation.Tests.Audit;

public sealed class DepartureTests
{
    [Fact]
    public void What_left_is_counted_by_study_kind_peer_and_rule_and_a_resend_is_the_same_thing()
    {
        using var folder = new TempFolder();
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        AuditEntry Update(int round, string rule = "policy.yaml@1") => new()
        {
            Direction = AuditDirection.Out, Kind = "update", Peer = "coordinator", Study = "heart", Rule = rule, What = "federated/a", Round = round, Bytes = 100, Sha256 = new string((char)('0' + round), 64),
            Charge = new AuditCharge("1 x gaussian", 0.1 * round, 1e-5),
        };
        using (var log = AuditLog.Open(folder.At("audit.jsonl"), "berlin", key, TimeProvider.System))
        {
            log.Write(new AuditEntry { Direction = AuditDirection.Out, Kind = "statistics", Peer = "coordinator", Study = "heart", Rule = "policy.yaml@1", What = "moments", Bytes = 7 });
            log.Write(Update(1));
            log.Write(Update(2));
            log.Write(Update(2)); // after a lost line
            log.Write(new AuditEntry { Direction = AuditDirection.In, Kind = "task-round", Peer = "coordinator", Study = "heart", Bytes = 9999 });
            log.Write(Update(3, "policy.yaml@2"));
        }

        var left = Departure.Of(AuditVerdict.Of(folder.At("audit.jsonl")));

        Assert.Equal([("statistics", "policy.yaml@1", 1, 7L, 0, 0.0), ("update", "policy.yaml@1", 2, 200L, 2, 0.2), ("update", "policy.yaml@2", 1, 100L, 1, 0.3)],
            left.Select(d => (d.Kind, d.Rule, d.Times, d.Bytes, d.Charged, Math.Round(d.LargestEpsilon, 6))));
        Assert.All(left, d => Assert.True(d.First <= d.Last));
    }
}
