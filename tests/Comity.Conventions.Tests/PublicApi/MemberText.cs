using System.Reflection;
using System.Runtime.CompilerServices;

namespace Comity.Conventions.Tests.PublicApi;

/// <summary>One line for each member.</summary>
internal static class MemberText
{
    public static string Of(FieldInfo field)
    {
        var type = TypeNames.Of(field.FieldType, new NullabilityInfoContext().Create(field));
        if (field.IsLiteral) return $"const {type} {field.Name} = {Literal.Of(field.GetRawConstantValue())}";
        return $"{(field.IsStatic ? "static " : "")}{(field.IsInitOnly ? "readonly " : "")}{type} {field.Name}";
    }

    public static string Of(PropertyInfo property)
    {
        var accessor = property.GetMethod ?? property.SetMethod!;
        var required = property.IsDefined(typeof(RequiredMemberAttribute), false) ? "required " : "";
        var index = property.GetIndexParameters() is { Length: > 0 } parameters ? $"this[{Parameters(parameters, false)}]" : property.Name;
        var get = ApiPrinter.IsVisible(property.GetMethod) ? "get; " : "";
        var set = ApiPrinter.IsVisible(property.SetMethod) ? IsInit(property.SetMethod!) ? "init; " : "set; " : "";
        return $"{Modifiers(accessor)}{required}{TypeNames.Of(property.PropertyType, new NullabilityInfoContext().Create(property))} {index} {{ {get}{set}}}";
    }

    public static string Of(ConstructorInfo constructor) =>
        $"{(constructor.IsPublic ? "" : "protected ")}new({Parameters(constructor.GetParameters(), false)})";

    public static string Of(MethodInfo method, string? name = null)
    {
        var generic = method.IsGenericMethod ? $"<{string.Join(", ", method.GetGenericArguments().Select(a => a.Name))}>" : "";
        var returned = TypeNames.Of(method.ReturnType, new NullabilityInfoContext().Create(method.ReturnParameter));
        if (method.ReturnType.IsByRef) returned = "ref " + returned;
        var extends = method.IsDefined(typeof(ExtensionAttribute), false);
        var modifiers = name is null ? Modifiers(method) : "";
        return $"{modifiers}{returned} {name ?? method.Name}{generic}({Parameters(method.GetParameters(), extends)}){TypeHeader.Constraints(method.GetGenericArguments())}";
    }

    private static bool IsInit(MethodInfo setter) => setter.ReturnParameter.GetRequiredCustomModifiers().Contains(typeof(IsExternalInit));

    private static string Modifiers(MethodBase method)
    {
        var modifiers = method.IsPublic ? "" : "protected ";
        if (method.IsStatic) modifiers += "static ";
        if (method.DeclaringType!.IsInterface) return modifiers + (method is { IsStatic: true, IsAbstract: true } ? "abstract " : method is { IsStatic: false, IsAbstract: false } ? "virtual " : "");
        return modifiers + (method.IsAbstract ? "abstract " : method is { IsVirtual: true, IsFinal: false } ? "virtual " : "");
    }

    private static string Parameters(ParameterInfo[] parameters, bool extends) =>
        string.Join(", ", parameters.Select((p, i) => (extends && i == 0 ? "this " : "") + Parameter(p)));

    private static string Parameter(ParameterInfo parameter)
    {
        var passing = parameter.ParameterType.IsByRef ? parameter.IsOut ? "out " : parameter.IsIn ? "in " : "ref " : "";
        if (parameter.IsDefined(typeof(ParamArrayAttribute), false) || parameter.IsDefined(typeof(ParamCollectionAttribute), false)) passing = "params ";
        var text = $"{passing}{TypeNames.Of(parameter.ParameterType, new NullabilityInfoContext().Create(parameter))} {parameter.Name}";
        return parameter.HasDefaultValue ? $"{text} = {Literal.Of(parameter.DefaultValue, parameter.ParameterType)}" : text;
    }
}
