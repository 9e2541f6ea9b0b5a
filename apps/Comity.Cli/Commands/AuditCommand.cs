using System.CommandLine;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Comity.Cli.Terminal;
using Comity.Declarations;
using Comity.Federation.Audit;
using Comity.Federation.Privacy;
using Comity.Insight.Results;
using Comity.Transport.Identity;

namespace Comity.Cli.Commands;

/// <summary><c>comity audit …</c>: whether a log is whole, whether two parties' logs fit, and the log in forms that auditors read.</summary>
internal static class AuditCommand
{
    private const int MostAlike = 3;
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static Command Create(Session session) => new("audit", session.Text("audit.description")) { Verify(session), Reconcile(session), Export(session) };

    private static Command Verify(Session session)
    {
        var log = Log("LOG", session);
        var keys = new Option<string[]>("--key") { Description = session.Text("option.audit-key"), HelpName = "FINGERPRINT", DefaultValueFactory = _ => [] };
        var head = new Option<string?>("--head") { Description = session.Text("option.audit-head"), HelpName = "N:SHA256" };
        var json = CommonOptions.Json(session);
        var command = new Command("verify", session.Text("audit.verify.description")) { log, keys, head, json };
        command.SetAction(parsed =>
        {
            var (problems, expected) = (new ProblemList(), Head(parsed.GetValue(head)));
            var trusted = parsed.GetValue(keys)!.Select(k => KeyFingerprint.TryParse(k, out var f) ? f : (KeyFingerprint?)null).ToList();
            if (parsed.GetValue(head) is { } typed && expected is null) problems.Add(Texts.Problem("audit-head-form", Place.InFile(head.Name), typed));
            if (trusted.Contains(null)) problems.Add(Texts.Problem("audit-key-form", Place.InFile(keys.Name), string.Join(", ", parsed.GetValue(keys)!)));
            if (problems.HasErrors) throw new StoppedException(ExitCode.Usage, problems);
            var verdict = Read(parsed.GetRequiredValue(log), expected, trusted.Count == 0 ? null : named => named.Where(k => trusted.Contains(Fingerprint(k))));
            if (parsed.GetValue(json)) session.Out.Line(Json(verdict).ToJsonString(Indented));
            else Print(session, verdict);
            return (int)(verdict.Holds ? ExitCode.Done : ExitCode.Audit);
        });
        return command;
    }

    private static Command Reconcile(Session session)
    {
        var (a, b) = (Log("A", session), Log("B", session));
        var json = CommonOptions.Json(session);
        var command = new Command("reconcile", session.Text("audit.reconcile.description")) { a, b, json };
        command.SetAction(parsed =>
        {
            var (one, other) = (Read(parsed.GetRequiredValue(a)), Read(parsed.GetRequiredValue(b)));
            var result = AuditReconciliation.Of(one, other);
            // That a log goes on is worth saying of one log; between two it is what they say of each other that counts.
            var findings = result.Findings.Where(f => f.Code != "audit-open").ToList();
            if (parsed.GetValue(json))
            {
                session.Out.Line(new JsonObject
                {
                    ["holds"] = result.Holds, ["parties"] = new JsonArray(one.Party, other.Party), ["matched"] = result.Matched, ["countersigned"] = result.Countersigned, ["findings"] = Findings(findings),
                }.ToJsonString(Indented));
            }
            else
            {
                PrintAlike(session, findings);
                session.Out.Line(result.Holds
                    ? session.Out.Green(session.Text("audit.fits", one.Party, other.Party, result.Matched, result.Countersigned))
                    : session.Out.Red(session.Text("audit.fits-not", one.Party, other.Party, findings.Count(f => f.Severity == Severity.Error))));
            }
            return (int)(result.Holds ? ExitCode.Done : ExitCode.Audit);
        });
        return command;
    }

    private static Command Export(Session session)
    {
        var log = Log("LOG", session);
        var format = new Option<string>("--format") { Description = session.Text("option.audit-format"), HelpName = "json|csv", DefaultValueFactory = _ => "json" };
        format.AcceptOnlyFromAmong("json", "csv");
        var file = new Option<string?>("--out") { Description = session.Text("option.audit-out"), HelpName = "FILE" };
        var command = new Command("export", session.Text("audit.export.description")) { log, format, file };
        command.SetAction(parsed =>
        {
            var verdict = Read(parsed.GetRequiredValue(log));
            using var memory = new MemoryStream();
            if (parsed.GetValue(format) == "json") AuditExport.Json(verdict, memory);
            else
            {
                using var writer = new StreamWriter(memory, new System.Text.UTF8Encoding(false), leaveOpen: true);
                AuditExport.Csv(verdict, writer);
            }
            if (parsed.GetValue(file) is { } path) OutputFile.Write(path, () => AtomicFile.Write(path, stream => stream.Write(memory.ToArray())));
            else session.Out.Line(System.Text.Encoding.UTF8.GetString(memory.ToArray()).TrimEnd());
            // A log that does not hold is exported all the same: it is evidence. The code says it.
            if (!verdict.Holds) ProblemPrinter.Print(session, verdict.Findings);
            return (int)(verdict.Holds ? ExitCode.Done : ExitCode.Audit);
        });
        return command;
    }

    // A log that was cut lacks a hundred things for one reason: a few of them show which.
    private static void PrintAlike(Session session, List<Problem> findings)
    {
        if (findings.Count == 0) return;
        var alike = findings.GroupBy(f => (f.Code, f.Place.File)).ToList();
        ProblemPrinter.Print(session, [.. alike.SelectMany(g => g.Take(MostAlike))], "");
        foreach (var group in alike.Where(g => g.Count() > MostAlike)) session.Error.Line(session.Text("audit.more", group.Count() - MostAlike, group.Key.Code, group.Key.File));
    }

    private static Argument<string> Log(string name, Session session)
    {
        var argument = new Argument<string>(name) { HelpName = name, Description = session.Text("argument.audit-log") };
        argument.CompletionSources.Add(CommonOptions.Paths);
        return argument;
    }

    private static AuditVerdict Read(string path, AuditHead? head = null, Func<IReadOnlyList<string>, IEnumerable<string>>? trusted = null)
    {
        // A run's or a state's folder stands for the log in it.
        var file = Directory.Exists(path) ? Path.Combine(path, "audit.jsonl") : path;
        if (!File.Exists(file)) throw new StoppedException(ExitCode.Usage, Texts.Problem("audit-missing-file", Place.InFile(file), file));
        var keys = trusted is null ? null : trusted(AuditVerdict.Of(file).Keys).ToList();
        var verdict = AuditVerdict.Of(file, head, keys);
        return LedgerBinding.Check(verdict, TimeProvider.System) is { } older ? verdict with { Findings = [.. verdict.Findings, older] } : verdict;
    }

    private static void Print(Session session, AuditVerdict verdict)
    {
        if (verdict.Findings.Count > 0) ProblemPrinter.Print(session, verdict.Findings, "");
        var last = verdict.Head;
        session.Out.Line(session.Text("audit.log", verdict.Party, verdict.Lines.Count, session.Text(verdict.Closed ? "audit.closed" : "audit.goes-on")));
        foreach (var key in verdict.Keys) session.Out.Line(session.Text("audit.key", Fingerprint(key)));
        if (last is not null) session.Out.Line(session.Text("audit.head", last.Sequence, last.Sha256));
        session.Out.Line(verdict.Holds ? session.Out.Green(session.Text(verdict.Closed ? "audit.holds" : "audit.holds-so-far")) : session.Out.Red(session.Text("audit.holds-not", verdict.Findings.Count(f => f.Severity == Severity.Error))));
    }

    private static JsonObject Json(AuditVerdict verdict) => new()
    {
        ["party"] = verdict.Party, ["holds"] = verdict.Holds, ["closed"] = verdict.Closed, ["entries"] = verdict.Lines.Count,
        ["keys"] = new JsonArray([.. verdict.Keys.Select(k => (JsonNode)Fingerprint(k).Plain)]),
        ["head"] = verdict.Head is { } head ? $"{head.Sequence.ToString(CultureInfo.InvariantCulture)}:{head.Sha256}" : null,
        ["findings"] = Findings(verdict.Findings),
    };

    private static JsonArray Findings(IEnumerable<Problem> findings)
    {
        var english = CultureInfo.GetCultureInfo(Language.English);
        return new([.. findings.Select(f => (JsonNode)new JsonObject
        {
            ["code"] = f.Code, ["severity"] = f.Severity == Severity.Error ? "error" : "warning", ["file"] = f.Place.File, ["line"] = f.Place.Line, ["found"] = f.Found(english),
        })]);
    }

    private static KeyFingerprint Fingerprint(string key) => KeyFingerprint.Of(Convert.FromHexString(key));

    private static AuditHead? Head(string? typed)
    {
        var parts = typed?.Split(':');
        return parts is [var number, var digest] && long.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var sequence) && digest.Length == 64 && digest.All(char.IsAsciiHexDigitLower)
            ? new(sequence, digest, "") : null;
    }
}
