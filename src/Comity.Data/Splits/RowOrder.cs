using Comity.Data.Tables;

namespace Comity.Data.Splits;

/// <summary>Turns a column into keys that sort as its values do; a missing value sorts first.</summary>
internal static class RowOrder
{
    public static long[] Keys(TableColumn column)
    {
        switch (column)
        {
            case DateColumn dates:
                return dates.Ticks.ToArray();
            case NumberColumn numbers:
                var keys = new long[numbers.Values.Length];
                for (var i = 0; i < keys.Length; i++) keys[i] = float.IsNaN(numbers.Values[i]) ? long.MinValue : Ordered(numbers.Values[i]);
                return keys;
            case LevelColumn levels:
                return [.. levels.Codes.ToArray().Select(code => (long)code)];
            default:
                throw new ArgumentException($"Rows can't be ordered by the text column '{column.Name}'.", nameof(column));
        }
    }

    // The bits of a float sort like the number once those of the negative ones are turned over.
    private static long Ordered(float value)
    {
        var bits = BitConverter.SingleToInt32Bits(value);
        return bits >= 0 ? bits : bits ^ int.MaxValue;
    }
}
