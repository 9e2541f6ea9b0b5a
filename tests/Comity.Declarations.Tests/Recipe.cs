namespace Comity.Declarations.Tests;

internal static class TestCatalog
{
    public static readonly MessageCatalog Instance = new(typeof(SectionReader), "Comity.Declarations.Resources.Messages");
}

internal enum Mode
{
    Fast,
    SlowRise,
}

[Doc("A section that uses every form the reader understands.")]
internal sealed record Recipe : ICheckedDeclaration
{
    [Doc("What it is called.")]
    public required string Name { get; init; }

    [Doc("Loaves at a time."), Within(1, 1000)]
    public int Batch { get; init; } = 16;

    [Within(0, 1, AboveLow = true)]
    public double Rate { get; init; } = 0.5;

    public Mode Mode { get; init; }

    public Oven Oven { get; init; } = new GasOven();

    [AtLeast(1)]
    public IReadOnlyList<string> Tags { get; init; } = ["plain"];

    public IReadOnlyDictionary<string, double>? Limits { get; init; }

    public DateOnly? Baked { get; init; }

    public DeclaredNode? Elsewhere { get; init; }

    public void Check(DeclaredNode.Map at, ProblemList problems)
    {
        if (Batch == 13) problems.Add(new Problem(TestCatalog.Instance, "checked", at["batch"]!.Place));
    }
}

[Kind("gas", typeof(GasOven)), Kind("wood", typeof(WoodOven))]
internal abstract record Oven;

internal sealed record GasOven : Oven
{
    [Within(0, double.PositiveInfinity)]
    public double Pressure { get; init; } = 1;
}

internal sealed record WoodOven : Oven
{
    public required string Wood { get; init; }
}
