using System.Globalization;

namespace Comity.Data.Tables;

/// <summary>The forms in which a column's dates may be written: the declared one, or ISO 8601 with or without a time.</summary>
/// <remarks>A time zone is put aside: local time is what cycles.</remarks>
internal sealed class DateForms(string? format)
{
    private static readonly string[] Iso =
    [
        "yyyy-MM-dd", "yyyy-MM-dd HH:mm", "yyyy-MM-dd HH:mm:ss", "yyyy-MM-dd'T'HH:mm", "yyyy-MM-dd'T'HH:mm:ss", "yyyy-MM-dd HH:mm:ss.FFFFFFF",
        "yyyy-MM-dd'T'HH:mm:ss.FFFFFFF",
    ];

    private readonly string[] _formats = format is null ? Iso : [format];

    public bool TryRead(string text, out DateTime date)
    {
        if (DateTime.TryParseExact(text, _formats, CultureInfo.InvariantCulture, DateTimeStyles.None, out date)) return true;
        if (format is not null || !DateTimeOffset.TryParseExact(text, ["yyyy-MM-dd'T'HH:mm:ssK", "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFK"], CultureInfo.InvariantCulture, DateTimeStyles.None, out var zoned))
            return false;
        date = zoned.DateTime;
        return true;
    }
}
