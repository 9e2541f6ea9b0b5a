using System.CommandLine;
using System.Globalization;
using Comity.Coordinator.Hosting;

namespace Comity.Coordinator.Commands;

/// <summary><c>comity-coordinator studies</c>: what was handed in, by whom, where it stands, and why it stopped.</summary>
internal static class StudiesCommand
{
    public static Command Create(CommandContext context)
    {
        var data = context.DataOption();
        var command = new Command("studies", context.Text("studies.description")) { data };
        command.SetAction(result => (int)context.OnState(result.GetRequiredValue(data).FullName, state => List(context, state)));
        return command;
    }

    private static CoordinatorExit List(CommandContext context, OpenState state)
    {
        using var book = state.Studies();
        var all = book?.All() ?? [];
        foreach (var study in all)
        {
            context.Output.WriteLine(
                $"{study.Id}  {context.Text("studies." + study.State.ToString().ToLowerInvariant())}  {study.Author}  {study.Submitted.ToUniversalTime().ToString("u", CultureInfo.InvariantCulture)}");
            if (book!.Withdrawn(study.Id) is { Count: > 0 } left) context.Output.WriteLine("  " + context.Text("studies.left", string.Join(", ", left)));
            foreach (var problem in study.Problems)
            {
                string In(IFormattable text) => text.ToString(null, context.Language);
                context.Output.WriteLine($"  {problem.Where}: {In(problem.Found)} {In(problem.Expected)} {In(problem.Remedy)} [{problem.Code}]");
            }
        }
        if (all.Count == 0) context.Output.WriteLine(context.Text("studies.none"));
        return CoordinatorExit.Done;
    }
}
