using Comity.Federation.Sites;

namespace Comity.Insight.Predictions;

/// <summary>One line of <c>predictions.csv</c>.</summary>
/// <param name="Model">Model id.</param>
/// <param name="Repeat">Repeat, from 0.</param>
/// <param name="Site">Site whose record it is.</param>
/// <param name="Prediction">The record's position in its source, its label, and what the model said.</param>
public sealed record PredictionRow(string Model, int Repeat, string Site, Prediction Prediction);
