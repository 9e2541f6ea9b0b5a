using Comity.Declarations;

namespace Comity.Data.Contracts;

/// <summary>What a column holds.</summary>
[Doc("What a column holds.")]
public enum FeatureKind
{
    /// <summary>A real number.</summary>
    Number,

    /// <summary>One of several values without an order.</summary>
    Category,

    /// <summary>One of several values in the order of <c>values</c>.</summary>
    Ordinal,

    /// <summary>True or false (1/0, true/false, yes/no, t/f, y/n, or the two <c>values</c>: false first).</summary>
    Boolean,

    /// <summary>Free text; with <c>tokens</c> a model reads its characters, otherwise it is read and checked, but no model learns from it.</summary>
    Text,

    /// <summary>A date, with or without a time of day.</summary>
    Date,

    /// <summary>An image: a PNG file, or an item of an IDX file.</summary>
    Image,

    /// <summary>A recording: a WAV file.</summary>
    Audio,
}

/// <summary>What of a date enters the model.</summary>
[Doc("What of a date enters the model.")]
public enum DatePart
{
    /// <summary>Month as sine and cosine.</summary>
    Month,

    /// <summary>Day of the week as sine and cosine.</summary>
    Weekday,

    /// <summary>Hour of the day, with its minutes, as sine and cosine.</summary>
    Hour,

    /// <summary>Day of the year as sine and cosine.</summary>
    DayOfYear,

    /// <summary>The year with its fraction as a number, which can follow a trend: years since 2000, in tens.</summary>
    Year,
}
