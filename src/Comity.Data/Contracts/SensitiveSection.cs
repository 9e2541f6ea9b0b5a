using System.Globalization;
using Comity.Declarations;

namespace Comity.Data.Contracts;

/// <summary>A column whose groups are judged apart: its name, or <c>{ column: age, cuts: [40, 65] }</c> for a number.</summary>
public sealed record SensitiveSection : IDeclaredValue<SensitiveSection>
{
    /// <summary>Name of the column; it need not be a feature.</summary>
    public required string Column { get; init; }

    /// <summary>Where a number is cut into groups, ascending; empty: each value is a group.</summary>
    public IReadOnlyList<double> Cuts { get; init; } = [];

    /// <inheritdoc/>
    public static string Schema => """
        { "anyOf": [ { "type": "string" }, { "type": "object", "required": ["column"], "additionalProperties": false,
          "properties": { "column": { "type": "string" }, "cuts": { "type": "array", "items": { "type": "number" } } } } ] }
        """;

    /// <inheritdoc/>
    public static SensitiveSection? ReadDeclared(DeclaredNode node, ProblemList problems)
    {
        if (node is DeclaredNode.Scalar { IsNull: false } name) return new SensitiveSection { Column = name.Text };
        if (SectionReader.Read<Long>(node, problems) is not { } read) return null;
        if (read.Cuts.Zip(read.Cuts.Skip(1)).All(pair => pair.First < pair.Second)) return new SensitiveSection { Column = read.Column ?? "", Cuts = read.Cuts };
        problems.Add(Messages.Problem("cuts-order", node.Place, string.Join(", ", read.Cuts.Select(c => c.ToString("R", CultureInfo.InvariantCulture)))));
        return null;
    }

    private sealed record Long
    {
        public required string Column { get; init; }

        public IReadOnlyList<double> Cuts { get; init; } = [];
    }
}
