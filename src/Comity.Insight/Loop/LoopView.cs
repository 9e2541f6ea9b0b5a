using Comity.Insight.Charts;

namespace Comity.Insight.Loop;

/// <summary>Something that happened in a lane of a timeline.</summary>
/// <param name="Minutes">When, from the start.</param>
/// <param name="Lane">Index of the lane.</param>
/// <param name="Tone"><c>better</c>, <c>worse</c> or <c>unsure</c>.</param>
/// <param name="Text">In words.</param>
public sealed record LoopEvent(double Minutes, int Lane, string Tone, string Text);

/// <summary>A figure of lines.</summary>
/// <param name="Title">Its title.</param>
/// <param name="Note">How to read it.</param>
/// <param name="XLabel">What x measures.</param>
/// <param name="YLabel">What y measures.</param>
/// <param name="Series">Lines.</param>
public sealed record LoopLines(string Title, string Note, string XLabel, string YLabel, IReadOnlyList<LineSeries> Series);

/// <summary>A figure of intervals.</summary>
/// <param name="Title">Its title.</param>
/// <param name="Note">How to read it.</param>
/// <param name="Rows">Rows.</param>
public sealed record LoopIntervals(string Title, string Note, IReadOnlyList<IntervalRow> Rows);

/// <summary>A turn of the loop, ready to be drawn; all words are in the reader's language already.</summary>
/// <param name="Language">BCP 47 name of the language.</param>
/// <param name="Title">Title of the page.</param>
/// <param name="Lead">What is shown.</param>
/// <param name="TimelineTitle">Title of the timeline.</param>
/// <param name="Lanes">Names of the lanes.</param>
/// <param name="Events">What happened, in order.</param>
/// <param name="Lines">Figures of lines.</param>
/// <param name="Intervals">Figures of intervals.</param>
/// <param name="Footer">Last line.</param>
public sealed record LoopView(
    string Language, string Title, string Lead, string TimelineTitle, IReadOnlyList<string> Lanes, IReadOnlyList<LoopEvent> Events, IReadOnlyList<LoopLines> Lines, IReadOnlyList<LoopIntervals> Intervals, string Footer);
