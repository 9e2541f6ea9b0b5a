using Comity.Data.Synthetic;
using Comity.Declarations;

namespace Comity.Cli.Composition;

/// <summary>Makes the files of an example that are not there yet.</summary>
internal static class SyntheticFiles
{
    public static void Make(StudyData study, SyntheticSection synthetic, ProblemList problems, Action<string> made, CancellationToken cancellationToken)
    {
        try
        {
            foreach (var file in SyntheticWriter.WriteMissing(synthetic, study.Declared.Folder, cancellationToken)) made(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            problems.Add(Texts.Problem("synthetic-unwritable", Place.InFile(study.Declared.Folder), e.Message));
        }
    }
}
