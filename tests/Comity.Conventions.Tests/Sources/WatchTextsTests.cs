using System.Xml.Linq;
using Comity.Testing;
using Comity.Transport.Protocol;

namespace Comity.Conventions.Tests.Sources;

/// <summary>Whatever a site does and a study becomes has words in both languages: who watches sees each of them sooner or later.</summary>
public sealed class WatchTextsTests
{
    public static TheoryData<string, string, Type> Named => new(
        from file in new[] { "apps/Comity.Cli/Resources/Messages.resx", "apps/Comity.Cli/Resources/Messages.zh-Hans.resx" }
        from kind in new[] { ("task.", typeof(TaskKind)), ("phase.", typeof(TaskPhase)), ("state.", typeof(StudyState)) }
        select (file, kind.Item1, kind.Item2));

    [Theory]
    [MemberData(nameof(Named))]
    public void Each_value_has_a_text(string file, string prefix, Type values)
    {
        var texts = XDocument.Load(Repository.At(file)).Descendants("data").Where(d => !string.IsNullOrWhiteSpace((string?)d.Element("value"))).Select(d => (string)d.Attribute("name")!).ToHashSet();

        Assert.Superset(Enum.GetNames(values).Select(v => prefix + v).ToHashSet(), texts);
    }
}
