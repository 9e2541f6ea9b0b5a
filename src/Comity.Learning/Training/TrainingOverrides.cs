using Comity.Declarations;

namespace Comity.Learning.Training;

public sealed partial record TrainingSection
{
    /// <summary>Reads the section, with what a federation says differently.</summary>
    /// <param name="training">The study's section; null: all defaults.</param>
    /// <param name="overrides">Keys that a federation sets anew, as JSON or YAML text; null: none.</param>
    /// <param name="problems">Where problems go; those of the overrides carry their own places.</param>
    /// <returns>Null when it could not be read at all.</returns>
    public static TrainingSection? Read(DeclaredNode? training, string? overrides, ProblemList problems)
    {
        training ??= new DeclaredNode.Map(new Place("", 0, 0, "training"), []);
        if (overrides is null) return SectionReader.Read<TrainingSection>(training, problems);
        if (DeclaredFile.Parse(overrides, "overrides", problems) is not { } changes) return null;
        return SectionReader.Read<TrainingSection>(training is DeclaredNode.Map map ? Merge(map, changes) : training, problems);
    }

    /// <summary>Reads the section with changes that stand in the same file, so that what is wrong with them is shown where they stand.</summary>
    /// <param name="training">The study's section; null: all defaults.</param>
    /// <param name="changes">Keys that differ.</param>
    /// <param name="problems">Where problems go.</param>
    /// <returns>Null when it could not be read at all.</returns>
    public static TrainingSection? ReadChanged(DeclaredNode? training, DeclaredNode.Map changes, ProblemList problems)
    {
        ArgumentNullException.ThrowIfNull(changes);
        return SectionReader.Read<TrainingSection>(training is DeclaredNode.Map map ? Merge(map, changes) : changes, problems);
    }

    /// <summary>The keys of <paramref name="changes"/> over those of <paramref name="basis"/>; maps of the same kind are merged, all else is replaced.</summary>
    internal static DeclaredNode.Map Merge(DeclaredNode.Map basis, DeclaredNode.Map changes)
    {
        var entries = basis.Entries.ToList();
        foreach (var change in changes.Entries)
        {
            var at = entries.FindIndex(e => e.Key == change.Key);
            if (at < 0)
                entries.Add(change);
            else if (entries[at].Value is DeclaredNode.Map below && change.Value is DeclaredNode.Map above && SameKind(below, above))
                entries[at] = change with { Value = Merge(below, above) };
            else
                entries[at] = change;
        }
        // A problem between keys is shown at the study's own section: that is what an author edits first.
        return new DeclaredNode.Map(basis.Place, entries);
    }

    // optimizer: { learningRate: 0.1 } changes the rate of the declared optimiser; another kind starts from that kind's defaults.
    private static bool SameKind(DeclaredNode.Map below, DeclaredNode.Map above) =>
        above["kind"] is not DeclaredNode.Scalar kind || (below["kind"] is DeclaredNode.Scalar declared && declared.Text == kind.Text);
}
