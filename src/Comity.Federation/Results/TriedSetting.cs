namespace Comity.Federation.Results;

/// <summary>A setting that a search tried for a model.</summary>
/// <param name="Model">Id of the model that it was tried for.</param>
/// <param name="Repeat">Repeat, from 0: each chooses for itself.</param>
/// <param name="Setting">The values, such as <c>learningRate 0.01</c>.</param>
/// <param name="Metric">Metric that decided.</param>
/// <param name="ValidationScore">Its value on validation rows; NaN: training diverged, or there were none.</param>
/// <param name="ValidationLogLoss">Log loss there, which decides between equals.</param>
/// <param name="Chosen">Whether the model was trained with it.</param>
/// <param name="Rounds">Rounds of the trial; 0 outside a federation.</param>
/// <param name="Bytes">Bytes that crossed a site's border for the trial.</param>
/// <param name="Seconds">Wall time of the trial.</param>
public sealed record TriedSetting(
    string Model, int Repeat, string Setting, string Metric, double ValidationScore, double ValidationLogLoss, bool Chosen, int Rounds, long Bytes, double Seconds);
