namespace Comity.Data.Splits;

/// <summary>A site's rows in three disjoint parts, as indices into its table, ascending.</summary>
/// <param name="Training">Rows that models learn from, shape [nTraining].</param>
/// <param name="Validation">Rows on which choices are made, shape [nValidation].</param>
/// <param name="Test">Rows held out for judging, shape [nTest].</param>
public sealed record RowSplits(int[] Training, int[] Validation, int[] Test);
