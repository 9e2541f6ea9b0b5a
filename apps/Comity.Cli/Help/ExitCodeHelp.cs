using System.Globalization;
using Comity.Cli.Terminal;

namespace Comity.Cli.Help;

/// <summary>One line for each exit code.</summary>
internal static class ExitCodeHelp
{
    public static IEnumerable<string> Lines(Session session)
    {
        foreach (var code in Enum.GetValues<ExitCode>())
        {
            var number = ((int)code).ToString(CultureInfo.InvariantCulture);
            yield return $"  {number,3}  {session.Text("exit." + number)}";
        }
    }
}
