using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Text.Json;
using Comity.Cli.Spreading;
using Comity.Federation.Studies;
using Comity.Federation.Trials;

namespace Comity.Cli.Commands;

/// <summary>Options of <c>comity run</c>.</summary>
internal sealed class RunOptions
{
    private static readonly IReadOnlyList<string> ArmNames = [.. Enum.GetNames<Arm>().Select(JsonNamingPolicy.KebabCaseLower.ConvertName)];

    public RunOptions(Session session)
    {
        Study = CommonOptions.Study(session);
        Seed = CommonOptions.Seed(session);
        Out = new Option<string?>("--out") { Description = session.Text("option.out"), HelpName = "DIR" };
        Out.CompletionSources.Add(CommonOptions.Paths);
        Arms = new Option<IReadOnlyList<Arm>?>("--arms")
        {
            Description = session.Text("option.arms", string.Join(", ", ArmNames)),
            HelpName = "ARM,…",
            AllowMultipleArgumentsPerToken = true,
            CustomParser = result => ParseArms(session, result),
        };
        Arms.CompletionSources.Add([.. ArmNames]);
        Jobs = new Option<int>("--jobs") { Description = session.Text("option.jobs"), HelpName = "N", DefaultValueFactory = _ => Environment.ProcessorCount };
        Jobs.Validators.Add(result => AtLeastOne(session, result, "--jobs"));
        Threads = new Option<int?>("--threads") { Description = session.Text("option.threads"), HelpName = "N" };
        Threads.Validators.Add(result => AtLeastOne(session, result, "--threads"));
        Resume = new Option<bool>("--resume") { Description = session.Text("option.resume") };
        Ledger = new Option<string?>("--ledger") { Description = session.Text("option.ledger"), HelpName = "FILE" };
        Ledger.CompletionSources.Add(CommonOptions.Paths);
        Width = new Option<int?>("--width") { Description = session.Text("option.width"), HelpName = "128|256|512" };
        Width.AcceptOnlyFromAmong("128", "256", "512");
        Spread = new SpreadOptions(session);
        Lease = new Option<int>("--lease") { Description = session.Text("option.lease"), HelpName = "SECONDS", DefaultValueFactory = _ => 30 };
        Lease.Validators.Add(result => AtLeastOne(session, result, "--lease"));
        Deliveries = new Option<int>("--deliveries") { Description = session.Text("option.deliveries"), HelpName = "N", DefaultValueFactory = _ => 3 };
        Deliveries.Validators.Add(result => AtLeastOne(session, result, "--deliveries"));
        Divide = new Option<string?>("--divide") { Description = session.Text("option.divide"), HelpName = "auto|always|never" };
        Divide.AcceptOnlyFromAmong("auto", "always", "never");
    }

    public Argument<string> Study { get; }

    public Option<string?> Out { get; }

    public Option<ulong?> Seed { get; }

    public Option<IReadOnlyList<Arm>?> Arms { get; }

    public Option<int> Jobs { get; }

    public Option<int?> Threads { get; }

    public Option<bool> Resume { get; }

    public Option<string?> Ledger { get; }

    public Option<int?> Width { get; }

    public SpreadOptions Spread { get; }

    public Option<int> Lease { get; }

    public Option<int> Deliveries { get; }

    public Option<string?> Divide { get; }

    /// <summary>How the run is spread.</summary>
    public SpreadSettings SpreadSettings(ParseResult parsed) => new(
        TimeSpan.FromSeconds(parsed.GetValue(Lease)), parsed.GetValue(Deliveries), parsed.GetValue(Divide) is { } mode ? Enum.Parse<DivisionMode>(mode, ignoreCase: true) : DivisionMode.Auto, parsed.GetValue(Jobs));

    public void AddTo(Command command)
    {
        command.Arguments.Add(Study);
        foreach (var option in new Option[] { Out, Seed, Arms, Jobs, Threads, Resume, Ledger, Width }) command.Options.Add(option);
        Spread.AddTo(command);
        command.Options.Add(Lease);
        command.Options.Add(Deliveries);
        command.Options.Add(Divide);
    }

    private static List<Arm>? ParseArms(Session session, ArgumentResult result)
    {
        var arms = new List<Arm>();
        foreach (var name in result.Tokens.SelectMany(t => t.Value.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)))
        {
            var at = ArmNames.ToList().IndexOf(name);
            if (at < 0)
            {
                result.AddError(session.Text("usage.arm", name, string.Join(", ", ArmNames)));
                return null;
            }
            if (!arms.Contains((Arm)at)) arms.Add((Arm)at);
        }
        return arms;
    }

    /// <summary>Refuses a number below one.</summary>
    internal static void AtLeastOne(Session session, OptionResult result, string option)
    {
        // Text that is no number at all is reported by the parser itself.
        if (result.Tokens is [var token] && int.TryParse(token.Value, NumberStyles.Integer, CultureInfo.InvariantCulture, out var number) && number < 1)
            result.AddError(session.Text("usage.at-least-one", option, number));
    }
}
