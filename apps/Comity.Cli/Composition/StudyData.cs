using Comity.Data;
using Comity.Data.Cleaning;
using Comity.Data.Contracts;
using Comity.Data.Preprocess;
using Comity.Data.Sources;
using Comity.Data.Splits;
using Comity.Data.Synthetic;
using Comity.Federation.Studies;

namespace Comity.Cli.Composition;

/// <summary>What a study says of its records. With this the data can be checked, whatever else is wrong.</summary>
/// <param name="Declared">The study as it was read.</param>
/// <param name="Sections">Contract, preprocessing, cleaning and split.</param>
/// <param name="Synthetic">Generator of an example's files; null: none.</param>
/// <param name="Sources">Sources in the order of the sites.</param>
internal sealed record StudyData(DeclaredStudy Declared, DataSections Sections, SyntheticSection? Synthetic, IReadOnlyList<SourceSection> Sources)
{
    public ContractSection Contract => Sections.Contract;

    public SplitSection Split => Sections.Split;

    public CleanSection Clean => Sections.Clean;

    public PreprocessSection Preprocess => Sections.Preprocess;
}
