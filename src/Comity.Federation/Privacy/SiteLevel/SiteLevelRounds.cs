using System.Globalization;
using Comity.Declarations;
using Comity.Federation.Masking;
using Comity.Federation.Runs;
using Comity.Federation.Spool;
using Comity.Federation.Studies;
using Comity.Privacy.Events;
using Comity.Privacy.Noise;
using Comity.SecureAggregation.FixedPoint;

namespace Comity.Federation.Privacy;

/// <summary>Site-level privacy of one model's rounds: clips, noises, charges, and lets the clip follow.</summary>
/// <remarks>
/// <code>
/// sum of clipped updates ─► noise ─► kept ─► charged to every contributor ─► mean = sum / cohort ─► strategy       (noise by the coordinator)
/// charged to every survivor ─► masks taken off a sum that carries the survivors' shares of noise ─► mean           (distributed)
/// </code>
/// Every site weighs the same and the sum is divided by the number of sites asked, whoever answered: then one site moves the sum by at most C (McMahan et al. 2018,
/// arXiv:1710.06963). The round is noised with the clip that it was clipped with. After a crash a vector that was charged is used as it was kept.
/// </remarks>
internal sealed class SiteLevelRounds(RunContext run, DifferentialPrivacySection section, string model, int repeat, int cohort, int quorum, int parameters)
{
    private readonly double _noise = run.Privacy!.Plan.Sites.Values.First().NoiseMultiplier;
    private readonly double _countNoise = SiteLevelRing.CountNoise(section, cohort);

    private double OnSum => SiteLevelRing.OnSum(section, _noise, cohort);

    public bool IsDistributed => section.Noise == NoisePlace.Distributed;

    /// <summary>C of a round.</summary>
    public double Clip(int round) => run.Store.Value(ClipKey(round)) is { } kept ? double.Parse(kept, CultureInfo.InvariantCulture) : section.Clip;

    /// <summary>How clipped updates stand under the masks of a round, and each site's share of the noise; null where it is the coordinator's to add.</summary>
    /// <exception cref="StudyStoppedException">The noise does not fit the ring.</exception>
    public (FixedPointEncoding Ring, NoiseShare? Share) Masked(int round) => SiteLevelRing.Of(section, _noise, Clip(round), cohort, quorum, parameters)
        ?? throw new StudyStoppedException(Messages.Problem("noise-share-too-coarse", Place.InFile(run.Input.RunFolder), model, parameters, quorum - section.Colluding));

    /// <summary>Charges all whose shares of noise and of the sum are about to come out from under the masks.</summary>
    public void ChargeSurvivors(int round, IReadOnlyList<string> survivors, string digest) => Charge(round, survivors, digest);

    /// <summary>The mean of a round from the sum of its clipped updates.</summary>
    /// <param name="round">The round.</param>
    /// <param name="contributors">Whose updates are in the sum.</param>
    /// <param name="raw">The sum, shape [P], which is overwritten, and how many of the updates were not longer than the clip; called only where nothing was charged yet.</param>
    /// <param name="lengthening">By how much rounding may have lengthened a clipped update.</param>
    /// <returns>Shape [P].</returns>
    public float[] Mean(int round, IReadOnlyList<string> contributors, Func<(float[] Sum, double Unclipped)> raw, double lengthening = 0)
    {
        if (IsDistributed)
        {
            var (sum, unclipped) = raw();
            return Finish(round, sum, unclipped - (contributors.Count / 2.0));
        }
        var path = run.Store.RoundPath(model, repeat, round, "noised");
        var charged = contributors.Select(s => run.Privacy!.Charged(s, Answer(round))).FirstOrDefault(c => c is not null);
        float[]? kept;
        if (charged is null)
        {
            var (sum, unclipped) = raw();
            using (var stream = run.Privacy!.NoiseOf("*", Answer(round)))
            {
                new GridGaussian(OnSum, Clip(round) + lengthening, parameters).AddInPlace(sum, stream);
                float[] count = [(float)(unclipped - (contributors.Count / 2.0))];
                if (section.Adaptive is not null) new GridGaussian(2 * _countNoise, 0.5, 1).AddInPlace(count, stream);
                kept = [.. sum, section.Adaptive is null ? 0 : count[0]];
            }
            run.Store.BeforeWrite?.Invoke("noised");
            charged = FloatFile.Write(run.Store.Vault, path, [kept]);
            run.Store.Keep(path);
        }
        else
        {
            // What was charged is what is released, in no second version.
            kept = FloatFile.Read(run.Store.Vault, run.Store.Fetch(path), 1, parameters + 1, charged)?[0] ?? throw Barred(contributors[0], round, Rounds.RefusalReason.AnswerLost);
        }
        Charge(round, contributors, charged);
        return Finish(round, kept[..parameters], kept[parameters]);
    }

    /// <summary>The round is over.</summary>
    public void Delete(int round) => run.Store.Delete(run.Store.RoundPath(model, repeat, round, "noised"));

    private float[] Finish(int round, float[] sum, double centredCount)
    {
        if (section.Adaptive is { } adaptive)
        {
            // C ← C·exp(−η(b − γ)): it shrinks while more than γ of the updates fit.
            var below = Math.Clamp((centredCount / cohort) + 0.5, 0, 1);
            var next = Clip(round) * Math.Exp(-adaptive.LearningRate * (below - adaptive.Quantile));
            run.Store.KeepValue(ClipKey(round + 1), next.ToString("R", CultureInfo.InvariantCulture));
        }
        for (var i = 0; i < sum.Length; i++) sum[i] /= cohort;
        return sum;
    }

    private void Charge(int round, IReadOnlyList<string> sites, string digest)
    {
        foreach (var site in sites)
        {
            if (!run.Privacy!.Charge(site, Answer(round), new GaussianEvent(_noise), digest)) throw Barred(site, round, Rounds.RefusalReason.BudgetSpent);
        }
    }

    private StudyStoppedException Barred(string site, int round, string reason) =>
        new(Messages.Problem("gate-barred", Place.InFile(run.Input.RunFolder), site, Answer(round), reason));

    private string Answer(int round) => string.Create(CultureInfo.InvariantCulture, $"{model}/{repeat}/{round}");

    private string ClipKey(int round) => string.Create(CultureInfo.InvariantCulture, $"clip/{model}/{repeat}/{round}");
}
