using System.Globalization;
using Comity.Cli.Terminal;
using Comity.Data.Tables;
using Comity.Declarations;
using Comity.Federation.Studies;

namespace Comity.Cli.Composition;

/// <summary>A study and its sites' records, all of it checked.</summary>
/// <param name="Study">The study.</param>
/// <param name="Tables">Records in the order of the sites.</param>
/// <param name="Warnings">What is worth knowing.</param>
internal sealed record CheckedStudy(ComposedStudy Study, IReadOnlyList<RecordTable> Tables, IReadOnlyList<Problem> Warnings)
{
    /// <summary>Reads study and data and prints every problem; an example's synthetic files are made if they are missing.</summary>
    /// <exception cref="StoppedException">Exit code 3: at least one problem is an error.</exception>
    public static CheckedStudy Read(Session session, string path, CancellationToken cancellationToken)
    {
        var problems = new ProblemList();
        var (study, tables) = Read(session.Language, path, problems, made => session.Out.Line(session.Text("made", made)), cancellationToken);
        if (problems.HasErrors || study is null || tables is null) throw new StoppedException(ExitCode.InvalidStudy, problems);
        if (problems.Count > 0) ProblemPrinter.Print(session, problems);
        return new CheckedStudy(study, tables, problems);
    }

    /// <summary>Reads study and data, collecting every problem.</summary>
    public static (ComposedStudy? Study, IReadOnlyList<RecordTable>? Tables) Read(
        CultureInfo language, string path, ProblemList problems, Action<string> made, CancellationToken cancellationToken)
    {
        var (data, study) = StudyComposer.Read(path, problems);
        if (data is null) return (study, null);
        // A pack of counsel's that can't be read must not be replaced by the shipped one in silence.
        if (data.Declared.Section.Policy is not null) Commands.PolicyFiles.Load(data.Declared, [], problems);
        if (data.Synthetic is { } synthetic) SyntheticFiles.Make(data, synthetic, problems, made, cancellationToken);
        var found = new ProblemList();
        var tables = SiteTables.Load(data, found, cancellationToken);
        problems.AddRange(found.Select(p => Stricter(p, language)));
        if (study is not null && tables is not null) PrivacyComposition.CheckRows(study, tables, problems);
        return (study, tables);
    }

    /// <summary>A site with one class could take part in a federation, but a study also trains and judges a model at each site, which one class can't bear.</summary>
    public static Problem Stricter(Problem problem, CultureInfo language) =>
        problem.Code == "label-one-class" ? Texts.Problem("site-one-class", problem.Place, problem.Found(language)) : problem;

    /// <summary>The study with what the command line changes, checked again.</summary>
    public CheckedStudy With(ulong? seed, IReadOnlyList<Arm>? arms)
    {
        if (seed is null && arms is null) return this;
        var declared = Study.Declared;
        var section = declared.Section with { Seed = seed ?? declared.Section.Seed, Arms = arms ?? declared.Section.Arms };
        var problems = new ProblemList();
        section.Check(declared.Root, problems);
        if (problems.HasErrors) throw new StoppedException(ExitCode.InvalidStudy, problems);
        return this with { Study = Study with { Data = Study.Data with { Declared = declared with { Section = section } } } };
    }
}
