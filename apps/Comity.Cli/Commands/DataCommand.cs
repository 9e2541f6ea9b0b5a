using System.CommandLine;

namespace Comity.Cli.Commands;

/// <summary><c>comity data …</c>: records before any training.</summary>
internal static class DataCommand
{
    public static Command Create(Session session) => new("data", session.Text("data.description"))
    {
        DataDescribeCommand.Create(session),
        DataFetchCommand.Create(session),
        DataDeidentifyCommand.Create(session),
    };
}
