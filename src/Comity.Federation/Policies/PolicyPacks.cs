using System.Reflection;
using System.Text;
using Comity.Declarations;
using Comity.Federation.Studies;

namespace Comity.Federation.Policies;

/// <summary>The packs in force: those that ship with Comity, each replaced by a file of the same jurisdiction where counsel gave one.</summary>
public sealed class PolicyPacks
{
    private const string Resources = "Comity.Federation.Policies.Packs.";
    private readonly List<(PolicyPack Pack, string File)> _packs;

    private PolicyPacks(List<(PolicyPack, string)> packs) => _packs = packs;

    /// <summary>All packs, by jurisdiction.</summary>
    public IReadOnlyList<PolicyPack> All => [.. _packs.Select(p => p.Pack)];

    /// <summary>The pack of the law under which a market lies; null: none knows it.</summary>
    public PolicyPack? Of(string jurisdiction) => _packs.FirstOrDefault(p => p.Pack.Members.Contains(jurisdiction, StringComparer.OrdinalIgnoreCase)).Pack;

    /// <summary>A rule and its pack; null: none has that id.</summary>
    public (PolicyPack Pack, PolicyRule Rule)? Rule(string id)
    {
        foreach (var (pack, _) in _packs)
        {
            if (pack.Rules.FirstOrDefault(r => r.Id == id) is { } rule) return (pack, rule);
        }
        return null;
    }

    /// <summary>Whether the conditions that a study declares as met exist: a misspelt one would cover nothing, and nobody would hear of it.</summary>
    /// <param name="study">The study.</param>
    /// <param name="problems">Takes what no pack knows.</param>
    public void CheckCovered(DeclaredStudy study, ProblemList problems)
    {
        ArgumentNullException.ThrowIfNull(study);
        ArgumentNullException.ThrowIfNull(problems);
        if (study.Section.Policy is not { Covered.Count: > 0 } policy) return;
        var known = _packs.SelectMany(p => p.Pack.Conditions).Select(c => c.Id).Distinct(StringComparer.Ordinal).ToList();
        var at = (study.Root["policy"] as DeclaredNode.Map)?["covered"] as DeclaredNode.List;
        foreach (var (covered, index) in policy.Covered.Select((c, i) => (c, i)))
        {
            foreach (var condition in covered.Conditions.Except(known, StringComparer.Ordinal))
            {
                var place = (at is not null && index < at.Items.Count ? at.Items[index] : study.Root["policy"]!).Place;
                problems.Add(Messages.Problem("policy-unknown-condition", place, condition, string.Join(", ", known), Spelling.Nearest(condition, known) ?? known[0]));
            }
        }
    }

    /// <summary>The packs that ship with Comity.</summary>
    public static PolicyPacks BuiltIn() => Load([], []);

    /// <summary>The packs that ship with Comity, with replacements.</summary>
    /// <param name="files">Pack files, or folders of <c>.yaml</c> files.</param>
    /// <param name="problems">Takes what is wrong with them.</param>
    public static PolicyPacks Load(IEnumerable<string> files, ProblemList problems)
    {
        ArgumentNullException.ThrowIfNull(files);
        ArgumentNullException.ThrowIfNull(problems);
        var packs = new SortedDictionary<string, (PolicyPack, string)>(StringComparer.Ordinal);
        var assembly = typeof(PolicyPacks).Assembly;
        foreach (var name in assembly.GetManifestResourceNames().Where(n => n.StartsWith(Resources, StringComparison.Ordinal)).Order(StringComparer.Ordinal))
        {
            var own = new ProblemList();
            using var reader = new StreamReader(assembly.GetManifestResourceStream(name)!, Encoding.UTF8);
            var pack = Bind(DeclaredFile.Parse(reader.ReadToEnd(), name[Resources.Length..], own), own);
            own.ThrowIfErrors(); // a shipped pack that can't be read is a defect
            packs[pack!.Jurisdiction] = (pack, name[Resources.Length..]);
        }
        foreach (var file in files.SelectMany<string, string>(f => Directory.Exists(f) ? Directory.EnumerateFiles(f, "*.yaml").Order(StringComparer.Ordinal) : [f]))
        {
            var own = new ProblemList();
            var pack = Bind(DeclaredFile.Read(file, own), own);
            problems.AddRange(own);
            if (pack is not null && !own.HasErrors) packs[pack.Jurisdiction] = (pack, file);
        }
        return new([.. packs.Values]);
    }

    private static PolicyPack? Bind(DeclaredNode.Map? root, ProblemList problems) => root is null ? null : SectionReader.Read<PolicyPack>(root, problems);
}
