using System.Reflection;

namespace Comity.Conventions.Tests.PublicApi;

/// <summary>Types as C# writes them: keywords, arrays, generics, tuples, nullability.</summary>
internal static class TypeNames
{
    private static readonly Dictionary<Type, string> Keywords = new()
    {
        [typeof(void)] = "void",
        [typeof(object)] = "object",
        [typeof(string)] = "string",
        [typeof(bool)] = "bool",
        [typeof(char)] = "char",
        [typeof(byte)] = "byte",
        [typeof(sbyte)] = "sbyte",
        [typeof(short)] = "short",
        [typeof(ushort)] = "ushort",
        [typeof(int)] = "int",
        [typeof(uint)] = "uint",
        [typeof(long)] = "long",
        [typeof(ulong)] = "ulong",
        [typeof(float)] = "float",
        [typeof(double)] = "double",
        [typeof(decimal)] = "decimal",
        [typeof(nint)] = "nint",
        [typeof(nuint)] = "nuint",
    };

    public static string Of(Type type, NullabilityInfo? nullability = null)
    {
        if (type.IsByRef) return Of(type.GetElementType()!, nullability?.ElementType);
        var mark = !type.IsValueType && nullability?.ReadState == NullabilityState.Nullable ? "?" : "";
        if (Keywords.TryGetValue(type, out var keyword)) return keyword + mark;
        if (type.IsGenericParameter) return type.Name + mark;
        if (type.IsPointer) return Of(type.GetElementType()!) + "*";
        if (type.IsArray) return $"{Of(type.GetElementType()!, nullability?.ElementType)}[{new string(',', type.GetArrayRank() - 1)}]{mark}";
        if (Nullable.GetUnderlyingType(type) is { } under) return Of(under) + "?";
        var arguments = type.GetGenericArguments();
        var inner = arguments.Select((a, i) => Of(a, nullability?.GenericTypeArguments.ElementAtOrDefault(i))).ToArray();
        if (type.FullName?.StartsWith("System.ValueTuple`", StringComparison.Ordinal) == true) return $"({string.Join(", ", inner)}){mark}";
        return Qualified(type, inner) + mark;
    }

    // A nested generic type repeats its outer type's arguments; each goes where it was declared.
    private static string Qualified(Type type, string[] arguments)
    {
        var outer = type.DeclaringType;
        var taken = outer?.GetGenericArguments().Length ?? 0;
        var name = type.Name.Split('`')[0];
        var own = arguments.Skip(taken).ToArray();
        if (own.Length > 0) name += $"<{string.Join(", ", own)}>";
        return outer is null ? name : $"{Qualified(outer, arguments.Take(taken).ToArray())}.{name}";
    }
}
