namespace Comity.Learning.Augmentation;

/// <summary>With which row each row of a batch was mixed, and how much of itself it kept.</summary>
/// <param name="Partners">Rows of the data set, shape [n].</param>
/// <param name="Shares">What each kept, in [0, 1], shape [n].</param>
internal readonly ref struct MixedRows(ReadOnlySpan<int> Partners, ReadOnlySpan<float> Shares)
{
    public ReadOnlySpan<int> Partners { get; } = Partners;

    public ReadOnlySpan<float> Shares { get; } = Shares;

    public bool IsEmpty => Partners.IsEmpty;

    public float Blend(int row, float own, float partner) => Shares[row] * own + (1 - Shares[row]) * partner;
}
