using Comity.Cli.Releases;
using Comity.Declarations;
using Comity.Serving.Releases;

namespace Comity.Cli.Commands;

/// <summary>What <c>comity next</c> takes where a person names nothing: the newest release, the markets served from here, the study beside the proposal.</summary>
internal static class NextInputs
{
    /// <summary>A release file, or the newest release of a name in this folder.</summary>
    /// <param name="session">Who asks.</param>
    /// <param name="named">What the person wrote.</param>
    /// <returns>The file; what they wrote where there is no such release, so that the error names it.</returns>
    public static string FileOf(Session session, string named)
    {
        if (File.Exists(named) || !named.All(c => char.IsAsciiLetterOrDigit(c) || c == '-')) return named;
        return Directory.EnumerateFiles(".", named + "-*.comity").Select(file => (File: file, ReleaseFiles.Read(session, file).Manifest))
            .Where(r => r.Manifest.Name == named).OrderByDescending(r => r.Manifest.Created).Select(r => r.File).FirstOrDefault() ?? named;
    }

    /// <summary>The markets that are looked at.</summary>
    /// <param name="session">Who asks.</param>
    /// <param name="named"><c>MARKET=DIR</c> each; none: every market of the release or of the folder <c>serving</c> that has a store.</param>
    /// <param name="release">The release.</param>
    /// <param name="releases">Folder of the releases that answered.</param>
    /// <exception cref="StoppedException">One is written otherwise, or none has a store.</exception>
    public static IReadOnlyList<MarketState> Markets(Session session, IReadOnlyList<string> named, Release release, string releases)
    {
        if (named.Count > 0) return [.. named.Select(Read)];
        var served = Directory.Exists("serving") ? Directory.EnumerateDirectories("serving").Select(d => Path.GetFileName(d)!).Order(StringComparer.Ordinal) : Enumerable.Empty<string>();
        var markets = release.Manifest.Markets.Select(m => m.Id).Union(served).ToList();
        var kept = markets.Where(m => MarketStateOptions.StoreOf(session, null, m).Exists()).ToList();
        if (kept.Count == 0) throw new StoppedException(ExitCode.InvalidStudy, Texts.Problem("market-state", Place.InFile("serving"), string.Join(", ", markets)));
        return [.. kept.Select(m => MarketStateOptions.Read(session, m, null, releases))];

        MarketState Read(string state)
        {
            var parts = state.Split('=', 2);
            if (parts.Length != 2) throw new StoppedException(ExitCode.Usage, Texts.Problem("next-state", Place.InFile("--state"), state));
            return MarketStateOptions.Read(session, parts[0], parts[1], releases);
        }
    }

    /// <summary>The study that made the release.</summary>
    /// <param name="named">A study file or its folder; null: <c>study.yaml</c> beside the proposal.</param>
    /// <param name="target">Full path of the proposal.</param>
    /// <exception cref="StoppedException">There is none.</exception>
    public static string StudyOf(string? named, string target)
    {
        var source = named ?? Path.GetDirectoryName(target)!;
        if (Directory.Exists(source)) source = Path.Combine(source, "study.yaml");
        return File.Exists(source) ? source : throw new StoppedException(ExitCode.InvalidStudy, Texts.Problem("next-no-study", Place.InFile(source)));
    }
}
