using Comity.Federation.Results;
using Comity.Federation.Sites;

namespace Comity.Federation.Stores;

/// <summary>A round that is done.</summary>
/// <param name="Info">Who took part.</param>
/// <param name="History">Its loss.</param>
/// <param name="Bytes">Bytes that crossed borders in it.</param>
/// <param name="Seconds">Its wall time.</param>
/// <param name="CheckpointSha256">Digest of model and server state after it.</param>
internal sealed record RoundRecord(RoundInfo Info, HistoryInfo History, long Bytes, double Seconds, string CheckpointSha256);

/// <summary>A finished model.</summary>
/// <param name="Info">What results say of it.</param>
/// <param name="Owner">The site whose own model it is; null: a common one.</param>
/// <param name="Family">Id that is the same for all sites, such as <c>local/*</c> or <c>federated/adam+*</c>.</param>
/// <param name="Rows">Training rows; 0: unknown.</param>
/// <param name="History">Its epochs, outside a federation.</param>
/// <param name="AtHome">Its vector stays at its owner, who finds it by its id.</param>
internal sealed record ModelRecord(ModelInfo Info, string? Owner, string Family, int Rows, IReadOnlyList<HistoryInfo> History, bool AtHome = false);

/// <summary>A candidate against a site's own model.</summary>
internal sealed record ComparisonRecord(string Site, string Baseline, string Candidate, ComparisonResult Result);
