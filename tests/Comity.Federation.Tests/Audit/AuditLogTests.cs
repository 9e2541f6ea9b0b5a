using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Comity.Declarations;
using Comity.Federation.Audit;

namespace Comity.Federation.Tests.Audit;

public sealed class AuditLogTests
{
    [Fact]
    public void A_log_that_nobody_touched_holds()
    {
        using var parties = new AuditParties();
        parties.Rounds(3);
        parties.Close();

        var verdict = AuditVerdict.Of(parties.SitePath);

        Assert.Empty(verdict.Findings);
        Assert.True(verdict.Closed);
        Assert.Equal("site", verdict.Party);
    }

    [Fact]
    public void The_chain_and_the_signatures_are_what_the_page_says_checked_with_nothing_but_the_platform()
    {
        using var parties = new AuditParties();
        parties.Rounds(2);

        var previous = new string('0', 64);
        using var key = ECDsa.Create();
        foreach (var line in File.ReadLines(parties.SitePath))
        {
            using var json = JsonDocument.Parse(line);
            if (json.RootElement.TryGetProperty("key", out var named)) key.ImportSubjectPublicKeyInfo(Convert.FromHexString(named.GetString()!), out _);
            Assert.Equal(previous, json.RootElement.GetProperty("previous").GetString());
            var signed = line[..line.LastIndexOf(",\"signature\":", StringComparison.Ordinal)];
            byte[] message = [.. "comity audit log 1\n"u8, .. SHA256.HashData(Encoding.UTF8.GetBytes(signed))];
            Assert.True(key.VerifyData(message, Convert.FromHexString(json.RootElement.GetProperty("signature").GetString()!), HashAlgorithmName.SHA256));
            previous = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(line)));
        }
    }

    [Fact]
    public void Every_edit_of_a_single_byte_is_found()
    {
        using var parties = new AuditParties();
        parties.Rounds(1);
        parties.Close();
        var honest = File.ReadAllBytes(parties.SitePath);
        // One bit of each byte; and by turns the other case (hex must not have two spellings) or a newline.
        var unseen = Enumerable.Range(0, honest.Length).AsParallel().SelectMany(at => new[] { (byte)(honest[at] ^ 1), at % 4 == 0 ? (byte)'\n' : (byte)(honest[at] ^ 0x20) }.Where(b => b != honest[at]).Select(b => (at, b)))
            .Where(edit =>
            {
                var path = parties.Folder.At($"edit-{edit.at}-{edit.b}");
                var edited = (byte[])honest.Clone();
                edited[edit.at] = edit.b;
                File.WriteAllBytes(path, edited);
                var holds = AuditVerdict.Of(path).Holds;
                File.Delete(path);
                return holds;
            }).ToList();

        Assert.Empty(unseen);
    }

    [Fact]
    public void Every_inserted_and_every_removed_byte_is_found()
    {
        using var parties = new AuditParties();
        parties.Rounds(1);
        parties.Close();
        var honest = File.ReadAllBytes(parties.SitePath);
        foreach (var at in Enumerable.Range(0, honest.Length).Where(i => i % 7 == 0))
        {
            Assert.False(Holds(parties, [.. honest[..at], .. honest[(at + 1)..]]), $"removed byte {at}");
            Assert.False(Holds(parties, [.. honest[..at], (byte)' ', .. honest[at..]]), $"inserted at byte {at}");
        }
    }

    [Fact]
    public void Every_removed_repeated_or_exchanged_line_is_found_and_named()
    {
        using var parties = new AuditParties();
        parties.Rounds(2);
        parties.Close();
        var lines = File.ReadAllLines(parties.SitePath);
        for (var i = 0; i < lines.Length - 1; i++)
        {
            Assert.Contains(Findings(parties, [.. lines[..i], .. lines[(i + 1)..]]), f => f.Code == "audit-missing");
            Assert.Contains(Findings(parties, [.. lines[..(i + 1)], .. lines[i..]]), f => f.Code is "audit-repeated" or "audit-after-close");
            Assert.Contains(Findings(parties, [.. lines[..i], lines[i + 1], lines[i], .. lines[(i + 2)..]]), f => f.Code is "audit-missing" or "audit-repeated" or "audit-chain");
        }
        // The last line carries the closing: without it the log says that it goes on, and only a peer knows better.
        Assert.Contains(Findings(parties, lines[..^1]), f => f.Code == "audit-open");
    }

    [Fact]
    public void A_cut_within_a_line_is_found_and_a_cut_between_lines_by_the_head_that_a_peer_holds()
    {
        using var parties = new AuditParties();
        parties.Rounds(2);
        parties.Close();
        var honest = File.ReadAllBytes(parties.SitePath);
        var head = AuditVerdict.Of(parties.SitePath).Head!;
        for (var length = 1; length < honest.Length; length++)
        {
            var path = parties.Folder.At("cut");
            File.WriteAllBytes(path, honest[..length]);
            Assert.False(AuditVerdict.Of(path, head).Holds, $"cut at {length}");
            if (honest[length - 1] != '\n') Assert.False(AuditVerdict.Of(path).Holds, $"cut at {length}");
        }
    }

    [Fact]
    public void Arrivals_without_a_signature_are_covered_by_the_next_one_and_every_edit_of_them_is_found()
    {
        using var parties = new AuditParties();
        var head = parties.Coordinator.Write(AuditParties.Update(1, "model") with { Peer = "site" });
        parties.Site.WriteCovered(AuditParties.Update(1, "model") with { Direction = AuditDirection.In, Head = head });
        Assert.Equal(1, parties.Site.Head.Sequence); // the head that may be told is a signed one
        Assert.Contains(AuditVerdict.Of(parties.SitePath).Findings, f => f.Code == "audit-uncovered");
        parties.Site.Write(AuditParties.Update(1));
        parties.Close();

        var verdict = AuditVerdict.Of(parties.SitePath);
        Assert.Empty(verdict.Findings);
        Assert.False(verdict.Lines[1].IsSigned);
        Assert.True(AuditReconciliation.Of(verdict, AuditVerdict.Of(parties.CoordinatorPath)) is { Holds: true, Countersigned: 1 });
        Assert.Throws<ArgumentException>(() => parties.Site.WriteCovered(AuditParties.Update(2)));

        var honest = File.ReadAllBytes(parties.SitePath);
        var lines = File.ReadAllLines(parties.SitePath);
        var start = lines[0].Length + 1;
        for (var at = start; at < start + lines[1].Length; at++)
        {
            var edited = (byte[])honest.Clone();
            edited[at] ^= 1;
            Assert.False(Holds(parties, edited), $"byte {at}");
        }
        // What leaves is signed: a signature that was taken off is missed, at the end as well.
        for (var line = 2; line < lines.Length; line++)
        {
            var bare = lines.ToArray();
            bare[line] = bare[line][..bare[line].LastIndexOf(",\"signature\":", StringComparison.Ordinal)] + "}";
            Assert.Contains(Findings(parties, bare), f => f.Code == "audit-not-an-entry");
        }
    }

    [Fact]
    public void A_log_whose_last_lines_are_not_covered_yet_goes_on_after_a_kill()
    {
        using var parties = new AuditParties();
        parties.Site.WriteCovered(AuditParties.Update(1, "model") with { Direction = AuditDirection.In });
        parties.WhileDown(() => File.AppendAllText(parties.SitePath, "{\"sequence\":3,"));
        parties.Close();

        Assert.Empty(AuditVerdict.Of(parties.SitePath).Findings);
        Assert.Equal([1, 2, 3, 4], AuditVerdict.Of(parties.SitePath).Lines.Select(l => (int)l.Sequence));
    }

    [Fact]
    public void A_line_signed_with_another_key_is_found_and_a_whole_log_by_the_keys_that_are_trusted()
    {
        using var parties = new AuditParties();
        parties.Rounds(1);
        using var forged = new AuditParties();
        forged.Rounds(1);
        var mixed = File.ReadAllLines(parties.SitePath);
        var (body, foreign) = (mixed[2][..mixed[2].LastIndexOf(",\"signature\":", StringComparison.Ordinal)], "");
        using (var key = ECDsa.Create(ECCurve.NamedCurves.nistP256)) foreign = AuditKey.Sign(key, SHA256.HashData(Encoding.UTF8.GetBytes(body)));
        mixed[2] = $"{body},\"signature\":\"{foreign}\"}}";

        Assert.Contains(Findings(parties, mixed), f => f.Code == "audit-signature");
        Assert.True(AuditVerdict.Of(forged.SitePath).Holds); // by itself a log made anew is as good as any
        Assert.Contains(AuditVerdict.Of(forged.SitePath, keys: AuditVerdict.Of(parties.SitePath).Keys).Findings, f => f.Code == "audit-foreign-key");
    }

    [Fact]
    public void A_torn_last_line_is_cut_off_when_the_log_goes_on_and_a_changed_log_is_not_continued()
    {
        using var parties = new AuditParties();
        parties.Rounds(1);
        parties.Dispose(keepFolder: true);
        File.AppendAllText(parties.SitePath, "{\"sequence\":99,\"ti");

        using (var again = AuditLog.Open(parties.SitePath, "site", parties.SiteKey, TimeProvider.System)) again.Write(AuditParties.Update(9));
        Assert.True(AuditVerdict.Of(parties.SitePath).Holds);

        var lines = File.ReadAllLines(parties.SitePath);
        lines[2] = lines[2].Replace("\"bytes\":", "\"bytes\":1", StringComparison.Ordinal);
        File.WriteAllText(parties.SitePath, string.Join('\n', lines) + "\n");
        var refused = Assert.Throws<InvalidDeclarationException>(() => AuditLog.Open(parties.SitePath, "site", parties.SiteKey, TimeProvider.System));
        Assert.Equal("audit-damaged", refused.Problems[0].Code);
    }

    [Fact]
    public void Texts_that_a_study_brings_along_can_not_break_a_line_or_a_spreadsheet()
    {
        using var parties = new AuditParties();
        var evil = "=HYPERLINK(\"x\")\n\"},\"signature\":\"" + new string('a', 128) + "\"}";
        parties.Site.Write(AuditParties.Update(1) with { What = evil, Study = "心脏" });

        var verdict = AuditVerdict.Of(parties.SitePath);
        Assert.True(verdict.Holds);
        Assert.Equal(evil, verdict.Lines[^1].Entry.What);
        using var csv = new StringWriter();
        AuditExport.Csv(verdict, csv);
        Assert.Contains(",\"'=HYPERLINK(\"\"x\"\")\n", csv.ToString(), StringComparison.Ordinal);
        using var memory = new MemoryStream();
        AuditExport.Json(verdict, memory);
        using var json = JsonDocument.Parse(memory.ToArray());
        Assert.Equal("心脏", json.RootElement.GetProperty("entries")[1].GetProperty("study").GetString());
    }

    private static bool Holds(AuditParties parties, byte[] bytes)
    {
        var path = parties.Folder.At("changed");
        File.WriteAllBytes(path, bytes);
        return AuditVerdict.Of(path).Holds;
    }

    private static IReadOnlyList<Problem> Findings(AuditParties parties, IEnumerable<string> lines)
    {
        var path = parties.Folder.At("changed");
        File.WriteAllText(path, string.Concat(lines.Select(l => l + "\n")));
        return AuditVerdict.Of(path).Findings;
    }
}
