namespace Comity.Federation.Privacy;

/// <summary>Asks a site's gate to let out no update that is longer than this: a longer one is scaled down.</summary>
/// <param name="Norm">C, L2 norm of the whole update.</param>
public sealed record SiteClip(double Norm)
{
    // A scaled vector of floats may come out an ulp too long.
    internal const double Margin = 1 - 1e-6;
}

/// <summary>A site's share of the noise that hides each of them, in whole steps of the masked ring.</summary>
/// <param name="Sigma">σ of the discrete Gaussian on each coordinate.</param>
/// <param name="CountSigma">σ on the word that tells whether the update was below the clip; 0: the word is not sent.</param>
public sealed record NoiseShare(double Sigma, double CountSigma);
