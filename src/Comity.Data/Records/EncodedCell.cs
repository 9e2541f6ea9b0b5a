using Comity.Data.Contracts;

namespace Comity.Data.Records;

/// <summary>What was found in one cell of a record.</summary>
public enum CellFinding
{
    /// <summary>A value that the contract allows.</summary>
    Present,

    /// <summary>Nothing, or a text that the contract declares to mean 'not known'.</summary>
    Missing,

    /// <summary>A text where a number was expected.</summary>
    NotNumber,

    /// <summary>A number that is not finite in single precision.</summary>
    NotFinite,

    /// <summary>A number outside the contract's range.</summary>
    OutOfRange,

    /// <summary>A value that no training row had.</summary>
    UnknownValue,

    /// <summary>A text where a date was expected.</summary>
    NotDate,

    /// <summary>No file in base64, or one that can't be decoded.</summary>
    NotContent,
}

/// <summary>One cell as it entered the model's input.</summary>
/// <param name="Finding">What was found.</param>
/// <param name="Value">The number, or the position of the value among the field's <see cref="RecordField.Levels"/>; NaN: none, and the fill stands for it.</param>
public readonly record struct EncodedCell(CellFinding Finding, double Value)
{
    internal static EncodedCell Missing { get; } = new(CellFinding.Missing, double.NaN);
}

/// <summary>A column that a record is asked for.</summary>
/// <param name="Column">Its name.</param>
/// <param name="Kind">What it holds.</param>
/// <param name="Levels">Values of a category, ordinal or boolean, in the order of their codes.</param>
/// <param name="Range">Bounds of a number; null: none declared.</param>
/// <param name="Unit">Unit of a number, for people; null: none declared.</param>
/// <param name="Format">Form of a date where it is not ISO 8601.</param>
public sealed record RecordField(string Column, FeatureKind Kind, IReadOnlyList<string> Levels, ValueRange? Range, string? Unit, string? Format);
