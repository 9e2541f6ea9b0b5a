using System.CommandLine;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Comity.Cli.Terminal;
using Comity.Declarations;
using Comity.Federation.Policies;
using Comity.Federation.Studies;

namespace Comity.Cli.Commands;

/// <summary><c>comity policy …</c>: what the laws of a study's markets say of each flow between them, and the rules behind it. No legal advice.</summary>
internal static class PolicyCommand
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static Command Create(Session session) => new("policy", session.Text("policy.description")) { Check(session), Explain(session) };

    private static Command Check(Session session)
    {
        var study = CommonOptions.Study(session);
        var packs = Packs(session);
        var json = CommonOptions.Json(session);
        var command = new Command("check", session.Text("policy.check.description")) { study, packs, json };
        command.SetAction(parsed =>
        {
            var problems = new ProblemList();
            var declared = StudyReader.Read(parsed.GetRequiredValue(study), problems);
            var inForce = PolicyFiles.Load(declared, parsed.GetValue(packs)!, problems);
            if (declared is null || problems.HasErrors) throw new StoppedException(ExitCode.InvalidStudy, problems);
            var matrix = PolicyMatrix.Of(declared.Section, inForce);
            if (parsed.GetValue(json)) session.Out.Line(Json(session, declared.Section, matrix, inForce).ToJsonString(Indented));
            else Print(session, declared.Section, matrix, inForce);
            return (int)(matrix.Flows.Any(f => f.Planned && f.Verdict == PolicyVerdict.Barred) ? ExitCode.Policy : ExitCode.Done);
        });
        return command;
    }

    private static Command Explain(Session session)
    {
        var rule = new Argument<string>("RULE") { HelpName = "RULE", Description = session.Text("argument.rule") };
        rule.CompletionSources.Add(_ => PolicyPacks.BuiltIn().All.SelectMany(p => p.Rules).Select(r => new System.CommandLine.Completions.CompletionItem(r.Id)));
        var packs = Packs(session);
        var json = CommonOptions.Json(session);
        var command = new Command("explain", session.Text("policy.explain.description")) { rule, packs, json };
        command.SetAction(parsed =>
        {
            var problems = new ProblemList();
            var inForce = PolicyFiles.Load(null, parsed.GetValue(packs)!, problems);
            if (problems.HasErrors) throw new StoppedException(ExitCode.InvalidStudy, problems);
            var id = parsed.GetRequiredValue(rule);
            if (inForce.Rule(id) is not { } found)
            {
                var all = inForce.All.SelectMany(p => p.Rules).Select(r => r.Id).ToList();
                throw new StoppedException(ExitCode.Usage, Texts.Problem("rule-unknown", Place.InFile("RULE"), id, string.Join(", ", all), Spelling.Nearest(id, all) ?? all[0]));
            }
            if (parsed.GetValue(json)) session.Out.Line(Json(session, found.Pack, found.Rule).ToJsonString(Indented));
            else Print(session, found.Pack, found.Rule);
            return (int)ExitCode.Done;
        });
        return command;
    }

    private static Option<string[]> Packs(Session session) => new("--packs") { Description = session.Text("option.packs"), HelpName = "PATH", DefaultValueFactory = _ => [] };

    private static void Print(Session session, StudySection study, PolicyMatrix matrix, PolicyPacks packs)
    {
        var output = session.Out;
        if (matrix.Flows.Count == 0)
        {
            output.Line(session.Text("policy.one-market"));
            return;
        }
        var kinds = Enum.GetValues<FlowKind>();
        var table = new TextTable([session.Text("policy.from-to"), .. kinds.Select(k => Word(session, k) + (matrix.Flows.Any(f => f.Kind == k && f.Planned) ? "*" : ""))]);
        foreach (var pair in matrix.Flows.GroupBy(f => (f.From, f.To)))
            table.Add([$"{pair.Key.From} -> {pair.Key.To}", .. kinds.Select(k => session.Text("policy.verdict." + Camel(pair.Single(f => f.Kind == k).Verdict)))]);
        foreach (var line in table.Lines()) output.Line(line);
        output.Line(session.Text("policy.planned"));
        output.Line();
        // Pairs under the same laws are told together.
        foreach (var same in matrix.Flows.Where(f => f.Verdict != PolicyVerdict.Free).GroupBy(f => Key(session, f)))
        {
            var flow = same.First();
            output.Line(output.Bold(session.Text("policy.flows", string.Join(", ", same.Select(f => Word(session, f.Kind)).Distinct(StringComparer.Ordinal)),
                string.Join(", ", same.Select(f => $"{f.From} -> {f.To}").Distinct(StringComparer.Ordinal)), session.Text("policy.verdict." + Camel(flow.Verdict)))));
            foreach (var line in Reasons(session, flow)) output.Line("  " + line);
        }
        output.Line();
        output.Line(session.Text(study.Policy is null ? "policy.nothing-declared" : matrix.RecordsMayFlow ? "policy.pooled-runs" : "policy.pooled-not"));
        output.Line(session.Text("policy.packs", string.Join(", ", packs.All.Select(p => $"{p.Pack} {p.Version}"))));
        output.Line(output.Yellow(session.Text("policy.no-advice")));
    }

    private static string Key(Session session, JudgedFlow flow) => $"{flow.Verdict}|{string.Join('|', Reasons(session, flow))}";

    private static IEnumerable<string> Reasons(Session session, JudgedFlow flow)
    {
        if (flow.Verdict == PolicyVerdict.Unknown) yield return session.Text("policy.no-pack", flow.From);
        foreach (var reason in flow.Reasons.Where(r => r.Verdict != PolicyVerdict.Free))
        {
            yield return session.Text("policy.because", reason.Regime.Name.In(session.Language), reason.Case.Because.In(session.Language), string.Join(", ", reason.Case.Rules));
            if (reason.CountAssumed) yield return "  " + session.Text("policy.assumed", reason.Case.IndividualsFrom);
            if (reason.CoveredBy is { } by) yield return "  " + session.Text("policy.covered-by", by);
            if (reason.Verdict == PolicyVerdict.Conditional)
            {
                yield return "  " + session.Text("policy.needs");
                foreach (var need in reason.Case.Needs) yield return $"    {need}: {reason.Pack.Conditions.First(c => c.Id == need).Text.In(session.Language)}";
            }
        }
        foreach (var remedy in flow.Remedies)
        {
            yield return session.Text(remedy.Arm is null ? "policy.remedy" : "policy.remedy-arm", Words(session, remedy.Protections), session.Text("policy.verdict." + Camel(remedy.Verdict)),
                remedy.Needs.Count == 0 ? "" : session.Text("policy.remedy-needs", string.Join(", ", remedy.Needs)));
        }
    }

    private static string Words(Session session, IReadOnlyCollection<FlowProtection> protections) =>
        protections.Count == 0 ? session.Text("policy.protection.none") : string.Join(" + ", protections.Select(p => session.Text("policy.protection." + Camel(p))));

    private static void Print(Session session, PolicyPack pack, PolicyRule rule)
    {
        var output = session.Out;
        output.Line(output.Bold(rule.Id) + "  " + pack.Name.In(session.Language));
        void Row(string key, string value)
        {
            if (value.Length > 0) output.Line($"  {session.Text(key)} {value}");
        }
        Row("rule.trigger", rule.Trigger.In(session.Language));
        Row("rule.requirement", rule.Requirement.In(session.Language));
        Row("rule.article", rule.Article);
        Row("rule.source", rule.Source);
        Row("rule.date", rule.Date);
        Row("rule.confidence", session.Text("rule.confidence." + Camel(rule.Confidence)) + (rule.Provenance.Length > 0 ? $" ({rule.Provenance})" : ""));
        Row("rule.note", rule.Note);
        Row("rule.used", string.Join(", ", pack.Regimes.Where(r => r.Cases.Any(c => c.Rules.Contains(rule.Id))).Select(r => r.Name.In(session.Language))));
        Row("rule.pack", $"{pack.Pack} {pack.Version}; {pack.SourcesUpTo}");
        output.Line(output.Yellow(session.Text("policy.no-advice")));
    }

    private static JsonObject Json(Session session, StudySection study, PolicyMatrix matrix, PolicyPacks packs) => new()
    {
        ["study"] = study.Study, ["recordsMayFlow"] = matrix.RecordsMayFlow, ["legalAdvice"] = false,
        ["packs"] = new JsonArray([.. packs.All.Select(p => (JsonNode)new JsonObject { ["pack"] = p.Pack, ["version"] = p.Version, ["jurisdiction"] = p.Jurisdiction })]),
        ["flows"] = new JsonArray([.. matrix.Flows.Select(f => (JsonNode)new JsonObject
        {
            ["flow"] = Camel(f.Kind), ["from"] = f.From, ["to"] = f.To, ["verdict"] = Camel(f.Verdict), ["planned"] = f.Planned,
            ["reasons"] = new JsonArray([.. f.Reasons.Select(r => (JsonNode)new JsonObject
            {
                ["pack"] = r.Pack.Pack, ["regime"] = r.Regime.Id, ["verdict"] = Camel(r.Verdict), ["because"] = r.Case.Because.In(session.Language),
                ["rules"] = new JsonArray([.. r.Case.Rules.Select(x => (JsonNode)x)]), ["needs"] = new JsonArray([.. r.Case.Needs.Select(x => (JsonNode)x)]), ["coveredBy"] = r.CoveredBy, ["countAssumed"] = r.CountAssumed,
            })]),
            ["remedies"] = new JsonArray([.. f.Remedies.Select(r => (JsonNode)new JsonObject
            {
                ["arm"] = r.Arm is { } arm ? Camel(arm) : null, ["protections"] = new JsonArray([.. r.Protections.Select(p => (JsonNode)Camel(p))]), ["verdict"] = Camel(r.Verdict), ["needs"] = new JsonArray([.. r.Needs.Select(x => (JsonNode)x)]),
            })]),
        })]),
    };

    private static JsonObject Json(Session session, PolicyPack pack, PolicyRule rule) => new()
    {
        ["id"] = rule.Id, ["pack"] = pack.Pack, ["version"] = pack.Version, ["jurisdiction"] = pack.Jurisdiction, ["trigger"] = rule.Trigger.In(session.Language), ["requirement"] = rule.Requirement.In(session.Language),
        ["article"] = rule.Article, ["source"] = rule.Source, ["date"] = rule.Date, ["confidence"] = Camel(rule.Confidence), ["provenance"] = rule.Provenance, ["note"] = rule.Note, ["legalAdvice"] = false,
    };

    private static string Word(Session session, FlowKind kind) => session.Text("policy.flow." + Camel(kind));

    private static string Camel<T>(T value) where T : struct, Enum => JsonNamingPolicy.CamelCase.ConvertName(value.ToString());
}

/// <summary>Packs in force for a study: shipped ones, the study's own, and those of the command line, each replacing the one before.</summary>
internal static class PolicyFiles
{
    public static PolicyPacks Load(DeclaredStudy? study, IEnumerable<string> typed, ProblemList problems)
    {
        var packs = PolicyPacks.Load([.. (study?.Section.Policy?.Packs ?? []).Select(p => Path.Combine(study!.Folder, p)), .. typed], problems);
        if (study is not null) packs.CheckCovered(study, problems);
        return packs;
    }
}
