namespace Comity.Federation.Privacy;

/// <summary>Asks a site to train with differential privacy of single records.</summary>
/// <param name="ClipNorm">C, the longest gradient of one record.</param>
/// <param name="NoiseMultiplier">z: noise of deviation z·C on each step's sum, calibrated for this site before the study began.</param>
public sealed record RecordPrivacy(double ClipNorm, double NoiseMultiplier);

/// <summary>What a site will do in an epoch; known before it has trained. The number of rows is public under add-or-remove privacy.</summary>
/// <param name="Rows">N, its training rows.</param>
/// <param name="Lot">B, the expected rows of a step.</param>
public sealed record TrainingScale(int Rows, int Lot);
