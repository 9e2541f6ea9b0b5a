using System.CommandLine;
using Comity.Cli.Releases;
using Comity.Declarations;
using Comity.Serving.Releases;

namespace Comity.Cli.Commands;

/// <summary>What the commands that look at releases have in common.</summary>
internal static class ReleaseFiles
{
    public static Argument<string> Argument(Session session, string name = "FILE", string description = "argument.release")
    {
        var argument = new Argument<string>(name) { HelpName = name, Description = session.Text(description) };
        argument.CompletionSources.Add(CommonOptions.Paths);
        return argument;
    }

    /// <summary>Reads a release whose signer is trusted here.</summary>
    public static Release Read(Session session, string file) => Read(file, ComityHome.Of(session).Trusted);

    /// <summary>Reads a release, whoever signed it: to show it.</summary>
    public static Release Read(string file, TrustedSigners? trusted)
    {
        try
        {
            return Release.Read(file, trusted);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StoppedException(ExitCode.InvalidStudy, Texts.Problem("release-unreadable", Place.InFile(file), e.Message));
        }
    }
}
