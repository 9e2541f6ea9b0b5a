using System.Collections;
using System.Globalization;
using System.Reflection;

namespace Comity.Declarations;

/// <summary>Binds a declared map to a record: unknown keys, wrong types, bounds and missing keys are all reported, none is fatal to the rest.</summary>
/// <remarks>
/// Keys are the record's properties in camelCase. A <c>required</c> property is a required key. Understood are texts,
/// booleans, numbers, dates, enums (kebab-case), nullables, lists, dictionaries, nested records, records chosen by
/// <see cref="KindAttribute"/>, <see cref="IDeclaredValue{TSelf}"/>, and <see cref="DeclaredNode"/> for what another room owns.
/// </remarks>
public static class SectionReader
{
    /// <summary>Reads a section. Returns null when it could not be read at all; check <see cref="ProblemList.HasErrors"/> besides.</summary>
    public static T? Read<T>(DeclaredNode node, ProblemList problems) where T : class => (T?)ReadValue(typeof(T), node, null, problems);

    internal static object? ReadValue(Type type, DeclaredNode node, PropertyInfo? property, ProblemList problems)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        if (type == typeof(DeclaredNode)) return node;
        if (DeclaredTypes.ReadOwnForm(type) is { } read) return read.Invoke(null, [node, problems]);
        if (DeclaredTypes.Kinds(type) is { Count: > 0 } kinds) return ReadKind(type, kinds, node, problems);
        if (DeclaredTypes.ItemOfList(type) is { } item) return ReadList(item, node, property, problems);
        if (DeclaredTypes.ValueOfDictionary(type) is { } value) return ReadDictionary(value, node, problems);
        if (DeclaredTypes.IsScalar(type)) return ReadScalar(type, node, property, problems);
        return ReadRecord(type, node, problems, hasKind: false);
    }

    private static object? ReadScalar(Type type, DeclaredNode node, PropertyInfo? property, ProblemList problems)
    {
        if (node is not DeclaredNode.Scalar scalar)
        {
            problems.Add(Messages.Problem("wrong-type", node.Place, DeclaredTypes.Describe(node), DeclaredTypes.Describe(type)));
            return null;
        }
        if (!DeclaredTypes.TryParse(type, scalar, out var value))
        {
            var code = type.IsEnum ? "unknown-choice" : "wrong-type";
            var finding = $"'{scalar.Text}'";
            var nearest = type.IsEnum ? Spelling.Nearest(scalar.Text, DeclaredTypes.Choices(type)) : null;
            problems.Add(Messages.Problem(code, node.Place, finding, DeclaredTypes.Describe(type), nearest ?? DeclaredTypes.Choices(type).FirstOrDefault()));
            return null;
        }
        if (property?.GetCustomAttribute<WithinAttribute>() is { } within && value is IConvertible number && !type.IsEnum)
        {
            var x = number.ToDouble(CultureInfo.InvariantCulture);
            var tooLow = within.AboveLow ? !(x > within.Low) : !(x >= within.Low);
            var tooHigh = within.BelowHigh ? !(x < within.High) : !(x <= within.High);
            if (tooLow || tooHigh || !double.IsFinite(x))
            {
                problems.Add(Messages.Problem("out-of-range", node.Place, scalar.Text, DeclaredTypes.Describe(within)));
                return null;
            }
        }
        return value;
    }

    private static object ReadList(Type item, DeclaredNode node, PropertyInfo? property, ProblemList problems)
    {
        // A single value stands for a list of one.
        var nodes = node is DeclaredNode.List list ? list.Items : [node];
        var result = (IList)Activator.CreateInstance(typeof(List<>).MakeGenericType(item))!;
        foreach (var each in nodes)
        {
            if (ReadValue(item, each, null, problems) is { } value) result.Add(value);
        }
        if (property?.GetCustomAttribute<AtLeastAttribute>() is { } least && nodes.Count < least.Count)
            problems.Add(Messages.Problem("too-few", node.Place, nodes.Count, least.Count));
        return result;
    }

    private static object? ReadDictionary(Type value, DeclaredNode node, ProblemList problems)
    {
        if (node is not DeclaredNode.Map map)
        {
            problems.Add(Messages.Problem("wrong-type", node.Place, DeclaredTypes.Describe(node), Messages.Word("map")));
            return null;
        }
        var result = (IDictionary)Activator.CreateInstance(typeof(Dictionary<,>).MakeGenericType(typeof(string), value))!;
        foreach (var entry in map.Entries)
        {
            if (ReadValue(value, entry.Value, null, problems) is { } read) result[entry.Key] = read;
        }
        return result;
    }

    private static object? ReadKind(Type type, IReadOnlyDictionary<string, Type> kinds, DeclaredNode node, ProblemList problems)
    {
        if (node is DeclaredNode.Scalar bare) // optimizer: adam
            node = new DeclaredNode.Map(bare.Place, [new DeclaredEntry("kind", bare.Place, bare)]);
        if (node is not DeclaredNode.Map map)
        {
            problems.Add(Messages.Problem("wrong-type", node.Place, DeclaredTypes.Describe(node), DeclaredTypes.Describe(type)));
            return null;
        }
        if (map["kind"] is not DeclaredNode.Scalar kind)
        {
            problems.Add(Messages.Problem("missing-key", map.Place, "kind", string.Join(", ", kinds.Keys)));
            return null;
        }
        if (!kinds.TryGetValue(kind.Text, out var concrete))
        {
            problems.Add(Messages.Problem("unknown-choice", kind.Place, $"'{kind.Text}'", string.Join(", ", kinds.Keys),
                Spelling.Nearest(kind.Text, kinds.Keys) ?? kinds.Keys.First()));
            return null;
        }
        return ReadRecord(concrete, map, problems, hasKind: true);
    }

    private static object? ReadRecord(Type type, DeclaredNode node, ProblemList problems, bool hasKind)
    {
        if (node is DeclaredNode.Scalar { Quoted: false, Text: "true" or "false" } off && type.IsDefined(typeof(SwitchAttribute)))
            return off.Text == "true" ? Activator.CreateInstance(type, nonPublic: true) : null;
        if (node is not DeclaredNode.Map map)
        {
            problems.Add(Messages.Problem("wrong-type", node.Place, DeclaredTypes.Describe(node), Messages.Word("map")));
            return null;
        }
        var keys = DeclaredTypes.Keys(type);
        var before = problems.Count;
        var unread = new HashSet<Problem>();
        bool Harmless(Problem p) => p.Code is "unknown-key" or "misspelt-key" || unread.Contains(p);
        var result = Activator.CreateInstance(type, nonPublic: true)!;
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var entry in map.Entries)
        {
            if (hasKind && entry.Key == "kind") continue;
            if (!keys.TryGetValue(entry.Key, out var property))
            {
                var nearest = Spelling.Nearest(entry.Key, keys.Keys);
                var code = nearest is null ? "unknown-key" : "misspelt-key";
                problems.Add(Messages.Problem(code, entry.KeyPlace, entry.Key, string.Join(", ", keys.Keys), nearest));
                continue;
            }
            if (!seen.Add(entry.Key)) continue; // the YAML reader has refused duplicates already
            if (entry.Value is DeclaredNode.Scalar { IsNull: true } && DeclaredTypes.IsOptional(property)) continue;
            if (ReadValue(property.PropertyType, entry.Value, property, problems) is { } value) property.SetValue(result, value);
        }
        foreach (var (key, property) in keys)
        {
            if (seen.Contains(key) || !DeclaredTypes.IsRequired(property)) continue;
            var missing = Messages.Problem("missing-key", map.Place, key, (property.GetCustomAttribute<DocAttribute>()?.Text ?? key).TrimEnd('.'));
            if (property.PropertyType == typeof(DeclaredNode)) unread.Add(missing);
            problems.Add(missing);
        }
        // A record with broken keys is not checked across keys: it would repeat the same complaint in other words. A key too many,
        // or a missing section that another room reads, breaks nothing here.
        if (problems.Skip(before).All(Harmless) && result is ICheckedDeclaration self) self.Check(map, problems);
        return result;
    }
}
