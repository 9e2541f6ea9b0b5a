using System.Reflection;
using System.Runtime.CompilerServices;

namespace Comity.Conventions.Tests.PublicApi;

/// <summary>The first line of a type.</summary>
internal static class TypeHeader
{
    public static string Of(Type type)
    {
        var name = Name(type);
        if (typeof(Delegate).IsAssignableFrom(type)) return "delegate " + MemberText.Of(type.GetMethod("Invoke")!, name);
        if (type.IsEnum) return $"enum {name}{(Enum.GetUnderlyingType(type) == typeof(int) ? "" : " : " + TypeNames.Of(Enum.GetUnderlyingType(type)))}";
        return $"{Modifiers(type)}{Kind(type)} {name}{Bases(type)}{Constraints(type.GetGenericArguments())}";
    }

    public static bool IsRecord(Type type) =>
        type.GetMethod("<Clone>$") is not null
        || (type.IsValueType && type.GetMethod("PrintMembers", BindingFlags.NonPublic | BindingFlags.Instance) is not null);

    public static string Constraints(IEnumerable<Type> parameters)
    {
        var clauses = parameters.Where(p => p.IsGenericParameter).Select(p => (p.Name, Of: ConstraintsOf(p).ToArray())).Where(c => c.Of.Length > 0);
        return string.Concat(clauses.Select(c => $" where {c.Name} : {string.Join(", ", c.Of)}"));
    }

    private static IEnumerable<string> ConstraintsOf(Type parameter)
    {
        var flags = parameter.GenericParameterAttributes;
        var isStruct = flags.HasFlag(GenericParameterAttributes.NotNullableValueTypeConstraint);
        if (isStruct) yield return "struct";
        if (flags.HasFlag(GenericParameterAttributes.ReferenceTypeConstraint)) yield return "class";
        foreach (var bound in parameter.GetGenericParameterConstraints().Where(c => c != typeof(ValueType)).Select(c => TypeNames.Of(c)).Order(StringComparer.Ordinal))
            yield return bound;
        if (!isStruct && flags.HasFlag(GenericParameterAttributes.DefaultConstructorConstraint)) yield return "new()";
    }

    private static string Name(Type type)
    {
        var name = type.Name.Split('`')[0];
        var taken = type.DeclaringType?.GetGenericArguments().Length ?? 0;
        var own = type.GetGenericArguments().Skip(taken).Select(p =>
            (p.GenericParameterAttributes & GenericParameterAttributes.VarianceMask) switch
            {
                GenericParameterAttributes.Covariant => "out " + p.Name,
                GenericParameterAttributes.Contravariant => "in " + p.Name,
                _ => p.Name,
            }).ToArray();
        return own.Length == 0 ? name : $"{name}<{string.Join(", ", own)}>";
    }

    private static string Modifiers(Type type)
    {
        if (type.IsInterface) return "";
        if (type.IsValueType) return (type.IsDefined(typeof(IsReadOnlyAttribute), false) ? "readonly " : "") + (type.IsByRefLike ? "ref " : "");
        return type is { IsAbstract: true, IsSealed: true } ? "static " : type.IsAbstract ? "abstract " : type.IsSealed ? "sealed " : "";
    }

    private static string Kind(Type type) => type.IsInterface ? "interface"
        : type.IsValueType ? IsRecord(type) ? "record struct" : "struct"
        : IsRecord(type) ? "record" : "class";

    private static string Bases(Type type)
    {
        var bases = new List<string>();
        if (type.BaseType is { } parent && parent != typeof(object) && parent != typeof(ValueType)) bases.Add(TypeNames.Of(parent));
        var inherited = (type.BaseType?.GetInterfaces() ?? []).Concat(type.GetInterfaces().SelectMany(i => i.GetInterfaces())).ToHashSet();
        bases.AddRange(type.GetInterfaces()
            .Where(i => !inherited.Contains(i) && !(IsRecord(type) && i.IsGenericType && i.GetGenericTypeDefinition() == typeof(IEquatable<>)))
            .Where(i => i.IsPublic || i.IsNestedPublic)
            .Select(i => TypeNames.Of(i)).Order(StringComparer.Ordinal));
        return bases.Count == 0 ? "" : " : " + string.Join(", ", bases);
    }
}
