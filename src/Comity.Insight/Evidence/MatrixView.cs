namespace Comity.Insight.Evidence;

/// <summary>What a column of the matrix stands for.</summary>
public enum MatrixColumnKind
{
    /// <summary>One site's test rows.</summary>
    Site,

    /// <summary>A market's sites: their mean weighted by rows (used when there are too many sites for a column each).</summary>
    Market,

    /// <summary>The unweighted mean over the sites.</summary>
    Mean,

    /// <summary>All sites' test rows together.</summary>
    Union,
}

/// <summary>A column: where models were judged.</summary>
/// <param name="Id">Site or market id; <c>*</c> for the union, empty for the mean.</param>
/// <param name="Kind">What it stands for.</param>
/// <param name="Market">Its market; empty for mean and union.</param>
/// <param name="Rows">Test rows of a repeat.</param>
public sealed record MatrixColumn(string Id, MatrixColumnKind Kind, string Market, int Rows);

/// <summary>A cell.</summary>
/// <param name="Score">The score with its interval and rows.</param>
/// <param name="Best">Whether no model is better in this column.</param>
/// <param name="Home">Whether the model is judged at the only site that trained it.</param>
public sealed record MatrixCell(Score Score, bool Best, bool Home);

/// <summary>A row: a model, or the models of a family at the site of each column.</summary>
/// <param name="Model">The model or its family.</param>
/// <param name="Cells">One for each column; null where it was not judged.</param>
public sealed record MatrixRow(ModelId Model, IReadOnlyList<MatrixCell?> Cells);

/// <summary>Models by places with one metric: what the report draws and the console prints.</summary>
/// <param name="Metric">The metric.</param>
/// <param name="HigherIsBetter">Whether a larger value is a better model.</param>
/// <param name="Columns">Places.</param>
/// <param name="Rows">Models: own models first, then shared ones.</param>
public sealed record MatrixView(string Metric, bool HigherIsBetter, IReadOnlyList<MatrixColumn> Columns, IReadOnlyList<MatrixRow> Rows)
{
    /// <summary>Up to so many sites have a column each; more are drawn together by market.</summary>
    public const int SitesInFull = 12;
}
