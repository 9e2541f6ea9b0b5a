using Comity.Data.Cleaning;
using Comity.Data.Contracts;
using Comity.Data.Preprocess;
using Comity.Data.Sources;
using Comity.Data.Splits;
using Comity.Data.Tables;
using Comity.Declarations;

namespace Comity.Data.Tests;

/// <summary>Loads a small CSV text under a contract; mentions only what a test is about.</summary>
internal sealed class SiteBuilder(string contract)
{
    private readonly ContractSection _contract = Declared.Read<ContractSection>(contract);

    public ContractSection Contract => _contract;

    public CleanSection Clean { get; init; } = new();

    public PreprocessSection Preprocess { get; init; } = new();

    public SplitSection Split { get; init; } = new();

    public SourceSection Source { get; init; } = new();

    public bool ShowValues { get; init; }

    public ProblemList Problems { get; } = new();

    public RecordTable? TryLoad(string csv)
    {
        using var folder = new TemporaryFolder();
        var source = Source with { Csv = folder.Write("site.csv", csv) };
        var options = new LoadOptions { BaseFolder = folder.Path, Clean = Clean, Preprocess = Preprocess, Split = Split, ShowValues = ShowValues };
        return new TableLoader(_contract, options).Load(source, "site", Problems);
    }

    public RecordTable Load(string csv)
    {
        var table = TryLoad(csv);
        Problems.ThrowIfErrors();
        return table!;
    }

    public IEnumerable<string> Codes => Problems.Select(p => p.Code);
}
