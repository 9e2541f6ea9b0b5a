using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text;

namespace Comity.Conventions.Tests.PublicApi;

/// <summary>Prints what an assembly offers to others, in C#-like lines whose order depends on names only.</summary>
/// <remarks>
/// Public and protected members count. Left out is what a type must have anyway: overrides, a record's generated members,
/// property accessors. Implementations of interfaces are seen at the interface.
/// </remarks>
internal static class ApiPrinter
{
    private const BindingFlags Own = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    public static string Print(Assembly assembly) => Print(assembly.GetExportedTypes());

    public static string Print(IEnumerable<Type> types)
    {
        var text = new StringBuilder();
        foreach (var space in types.Where(t => !t.IsNested && !IsGenerated(t)).GroupBy(t => t.Namespace ?? "").OrderBy(g => g.Key, StringComparer.Ordinal))
        {
            if (text.Length > 0) text.Append('\n');
            text.Append("namespace ").Append(space.Key).Append('\n');
            foreach (var type in space.OrderBy(t => t.Name, StringComparer.Ordinal)) Append(text, type, 1);
        }
        return text.ToString();
    }

    private static void Append(StringBuilder text, Type type, int depth)
    {
        var indent = new string(' ', 2 * depth);
        text.Append(indent).Append(TypeHeader.Of(type)).Append('\n');
        if (type.IsEnum)
        {
            // Values, for they may stand in files; in their own order.
            foreach (var field in type.GetFields(BindingFlags.Public | BindingFlags.Static).OrderBy(f => Convert.ToInt64(f.GetRawConstantValue(), null)))
                text.Append(indent).Append("  ").Append(field.Name).Append(" = ").Append(Literal.Of(field.GetRawConstantValue())).Append('\n');
            return;
        }
        if (typeof(Delegate).IsAssignableFrom(type)) return;
        foreach (var line in Members(type).Order(StringComparer.Ordinal)) text.Append(indent).Append("  ").Append(line).Append('\n');
        foreach (var nested in type.GetNestedTypes(BindingFlags.Public | BindingFlags.NonPublic)
                     .Where(t => (t.IsNestedPublic || t.IsNestedFamily || t.IsNestedFamORAssem) && !IsGenerated(t))
                     .OrderBy(t => t.Name, StringComparer.Ordinal))
            Append(text, nested, depth + 1);
    }

    private static IEnumerable<string> Members(Type type)
    {
        foreach (var field in type.GetFields(Own).Where(f => IsVisible(f.Attributes) && !IsGenerated(f))) yield return MemberText.Of(field);
        foreach (var property in type.GetProperties(Own))
        {
            if (property.Name == "EqualityContract" || IsOverride(property.GetMethod ?? property.SetMethod!)) continue;
            if (IsVisible(property.GetMethod) || IsVisible(property.SetMethod)) yield return MemberText.Of(property);
        }
        foreach (var raised in type.GetEvents(Own).Where(e => IsVisible(e.AddMethod))) yield return $"event {TypeNames.Of(raised.EventHandlerType!)} {raised.Name}";
        foreach (var constructor in type.GetConstructors(Own & ~BindingFlags.Static))
        {
            var copiesRecord = TypeHeader.IsRecord(type) && constructor.GetParameters() is [{ ParameterType: var only }] && only == type;
            if (IsVisible(constructor) && !IsGenerated(constructor) && !copiesRecord) yield return MemberText.Of(constructor);
        }
        foreach (var method in type.GetMethods(Own))
        {
            var isOperator = method.IsSpecialName && method.Name.StartsWith("op_", StringComparison.Ordinal);
            if (!IsVisible(method) || IsGenerated(method) || IsOverride(method) || (method.IsSpecialName && !isOperator) || method.Name.Contains('<', StringComparison.Ordinal)) continue;
            yield return MemberText.Of(method);
        }
    }

    public static bool IsVisible(MethodBase? method) => method is not null && (method.IsPublic || method.IsFamily || method.IsFamilyOrAssembly);

    private static bool IsVisible(FieldAttributes attributes) =>
        (attributes & FieldAttributes.FieldAccessMask) is FieldAttributes.Public or FieldAttributes.Family or FieldAttributes.FamORAssem;

    private static bool IsOverride(MethodInfo method) => method.GetBaseDefinition() != method;

    private static bool IsGenerated(MemberInfo member) => member.IsDefined(typeof(CompilerGeneratedAttribute), inherit: false);
}
