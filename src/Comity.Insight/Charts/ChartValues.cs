namespace Comity.Insight.Charts;

/// <summary>Head of a heat map's column.</summary>
/// <param name="Label">Its name.</param>
/// <param name="Below">A second line, such as the market.</param>
/// <param name="Small">A third line, such as the rows.</param>
/// <param name="Apart">Whether a gap stands before it, as before a mean.</param>
public sealed record HeatColumn(string Label, string Below = "", string Small = "", bool Apart = false);

/// <summary>A heat map's row.</summary>
/// <param name="Label">Its name.</param>
/// <param name="Cells">One for each column; null is drawn as not measured.</param>
/// <param name="Apart">Whether a gap stands before it.</param>
/// <param name="Strong">Whether the name is emphasised.</param>
public sealed record HeatRow(string Label, IReadOnlyList<HeatCell?> Cells, bool Apart = false, bool Strong = false);

/// <summary>A heat map's cell.</summary>
/// <param name="Shade">From 0 to 1; NaN: no shade.</param>
/// <param name="Text">The value.</param>
/// <param name="Small">Its interval.</param>
/// <param name="Best">Whether a star marks it.</param>
/// <param name="Home">Whether a frame marks it.</param>
public sealed record HeatCell(double Shade, string Text, string Small = "", bool Best = false, bool Home = false);

/// <summary>A value with its interval on an axis.</summary>
/// <param name="Value">The value; NaN: not drawn.</param>
/// <param name="Low">Lower end; NaN: none.</param>
/// <param name="High">Upper end; NaN: none.</param>
/// <param name="Text">Both in words.</param>
public sealed record IntervalMark(double Value, double Low, double High, string Text);

/// <summary>A row of intervals, one for each series.</summary>
/// <param name="Label">Its name.</param>
/// <param name="Small">A second line, such as the rows.</param>
/// <param name="Marks">One for each series; null: none.</param>
/// <param name="Strong">Whether it is a total.</param>
public sealed record IntervalRow(string Label, string Small, IReadOnlyList<IntervalMark?> Marks, bool Strong = false);

/// <summary>A row of a forest plot.</summary>
/// <param name="Label">Its name.</param>
/// <param name="Small">A second line.</param>
/// <param name="Mark">Difference with its interval.</param>
/// <param name="Unseen">Smallest difference that could have been seen; NaN: unknown.</param>
/// <param name="Tone"><c>better</c>, <c>worse</c> or <c>unsure</c>.</param>
/// <param name="Texts">Texts of the columns at the right.</param>
/// <param name="Minor">Whether it is a part of the row above it.</param>
public sealed record ForestRow(string Label, string Small, IntervalMark Mark, double Unseen, string Tone, IReadOnlyList<string> Texts, bool Minor = false);

/// <summary>A line.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Points">Points in order of x.</param>
/// <param name="Band">Lower and upper edge around it, at the points' x; empty: none.</param>
public sealed record LineSeries(string Name, IReadOnlyList<(double X, double Y)> Points, IReadOnlyList<(double Low, double High)> Band);

/// <summary>A point with a weight, drawn by area.</summary>
public sealed record WeightedPoint(double X, double Y, double Weight);

/// <summary>A bar.</summary>
/// <param name="Label">Its name.</param>
/// <param name="Value">Its length, at least 0.</param>
/// <param name="Text">The value in words.</param>
/// <param name="Strong">Whether it is emphasised.</param>
public sealed record Bar(string Label, double Value, string Text, bool Strong = false);

/// <summary>Many values of one kind.</summary>
/// <param name="Label">Its name.</param>
/// <param name="Small">A second line.</param>
/// <param name="Values">The values.</param>
public sealed record Strip(string Label, string Small, IReadOnlyList<double> Values);
