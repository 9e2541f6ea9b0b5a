using Comity.Declarations;

namespace Comity.Cli;

/// <summary>A command can't go on; says with which exit code and why.</summary>
internal sealed class StoppedException(ExitCode code, params IReadOnlyList<Problem> problems)
    : Exception(string.Join(Environment.NewLine, problems))
{
    public ExitCode Code { get; } = code;

    public IReadOnlyList<Problem> Problems { get; } = problems;
}
