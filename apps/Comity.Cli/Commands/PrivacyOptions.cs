using System.CommandLine;
using Comity.Cli.Accounting;
using Comity.Cli.Terminal;
using Comity.Declarations;

namespace Comity.Cli.Commands;

/// <summary>Options that both directions of <c>comity privacy</c> share.</summary>
/// <remarks>All are read as text: the parser would stop at the first value that is none, and a user is to see every problem at once.</remarks>
internal sealed class PrivacyOptions
{
    private readonly Option<string?> _rate;
    private readonly Option<string?> _steps;
    private readonly Option<string?> _delta;
    private readonly Option<string?> _accountant;
    private readonly Option<string?> _relation;
    private readonly Option<string?> _rows;

    public PrivacyOptions(Session session)
    {
        _rate = new("--rate") { Description = session.Text("option.privacy-rate"), HelpName = "PROBABILITY" };
        _steps = new("--steps") { Description = session.Text("option.privacy-steps"), HelpName = "N" };
        _delta = new("--delta") { Description = session.Text("option.privacy-delta"), HelpName = "DELTA" };
        _accountant = Choice("--accountant", session.Text("option.privacy-accountant"), PlannedTraining.Accountants);
        _relation = Choice("--relation", session.Text("option.privacy-relation"), PlannedTraining.Relations);
        _rows = new("--rows") { Description = session.Text("option.privacy-rows"), HelpName = "N" };
        Json = CommonOptions.Json(session);
    }

    public Option<bool> Json { get; }

    public void AddTo(Command command)
    {
        foreach (var option in new Option[] { _rate, _steps, _delta, _accountant, _relation, _rows, Json }) command.Options.Add(option);
    }

    /// <summary>What was typed; problems go to <paramref name="values"/>, and the answer only counts where there are none.</summary>
    public PlannedTraining Read(ParseResult parsed, TypedValues values)
    {
        var planned = new PlannedTraining(
            values.Number(_rate.Name, parsed.GetValue(_rate), PlannedTraining.IsRate),
            values.Count(_steps.Name, parsed.GetValue(_steps), PlannedTraining.MaximalSteps),
            values.Number(_delta.Name, parsed.GetValue(_delta), PlannedTraining.IsDelta),
            values.Choice(_accountant.Name, parsed.GetValue(_accountant), PlannedTraining.Accountants),
            values.Choice(_relation.Name, parsed.GetValue(_relation), PlannedTraining.Relations));
        if (!values.Problems.HasErrors && planned.Unproved is { } unproved) values.Problems.Add(unproved);
        if (parsed.GetValue(_rows) is { } typed)
        {
            var rows = values.Count(_rows.Name, typed, long.MaxValue);
            if (!values.Problems.HasErrors && planned.DeltaTooLarge(rows) is { } warning) values.Problems.Add(warning);
        }
        return planned;
    }

    /// <summary>Shows every problem and where to read on.</summary>
    public static int Refuse(Session session, Command command, IReadOnlyList<Problem> problems)
    {
        ProblemPrinter.Print(session, problems, session.Text("usage.remedy", $"comity privacy {command.Name}"));
        return (int)ExitCode.Usage;
    }

    private static Option<string?> Choice(string name, string description, IReadOnlyList<string> values)
    {
        var option = new Option<string?>(name) { Description = description, HelpName = string.Join('|', values), DefaultValueFactory = _ => values[0] };
        option.CompletionSources.Add([.. values]);
        return option;
    }
}
