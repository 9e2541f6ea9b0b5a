using System.Text.Json;
using Comity.Declarations;
using Comity.Federation.Masking;
using Comity.Federation.Studies;
using Comity.SecureAggregation.Graphs;
using Comity.Transport.Identity;

namespace Comity.Transport.Sites;

/// <summary>The keys of the sites that masks are agreed with: who could put others in their place would sit between two sites and learn what they hide.</summary>
/// <remarks>
/// They come through the coordinator. The first that came for a name stays (<c>STATE/partners.json</c>), a fingerprint that people compared goes before it, and
/// against a coordinator that may lie only compared ones count.
/// </remarks>
internal sealed class PartnerKeys(SiteAgentOptions options)
{
    private readonly Lock _gate = new();

    private string PathOfKnown => Path.Combine(options.StateFolder, "partners.json");

    /// <summary>Throws unless these keys can be trusted for a study.</summary>
    /// <exception cref="InvalidDeclarationException">One is missing, another than it was, or nobody compared it where that is needed.</exception>
    public void Require(StudySection study, SecureAggregationSection masking, IReadOnlyDictionary<string, byte[]> keys)
    {
        lock (_gate)
        {
            var known = File.Exists(PathOfKnown) ? JsonSerializer.Deserialize<Dictionary<string, string>>(File.ReadAllBytes(PathOfKnown)) ?? [] : [];
            var (problems, changed) = (new List<Problem>(), false);
            foreach (var site in study.Sites.Select(s => s.Id).Where(keys.ContainsKey))
            {
                var came = KeyFingerprint.Of(keys[site]);
                if (site == options.Site)
                {
                    if (options.Identity is { } own && KeyFingerprint.Of(own) != came) problems.Add(Problem("partner-key-differs", site, came, KeyFingerprint.Of(own)));
                }
                else if (options.Partners.TryGetValue(site, out var compared))
                {
                    if (compared != came) problems.Add(Problem("partner-key-differs", site, came, compared));
                }
                else if (masking.Adversary == AdversaryModel.LyingCoordinator)
                {
                    problems.Add(Problem("partner-unconfirmed", site, came));
                }
                else if (!known.TryGetValue(site, out var before))
                {
                    known[site] = came.ToString();
                    changed = true;
                }
                else if (before != came.ToString())
                {
                    problems.Add(Problem("partner-key-differs", site, came, before));
                }
            }
            if (problems.Count > 0) throw new InvalidDeclarationException(problems);
            if (!changed) return;
            File.WriteAllBytes(PathOfKnown + ".part", JsonSerializer.SerializeToUtf8Bytes(known));
            File.Move(PathOfKnown + ".part", PathOfKnown, overwrite: true);
        }
    }

    private Problem Problem(string code, string site, params object[] arguments) => new(Messages.Catalog, code, Place.InFile(options.Site), [site, .. arguments]);
}
