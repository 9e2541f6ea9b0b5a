namespace Comity.Declarations;

/// <summary>Says in one sentence what a section or key is for; shown in the JSON Schema, hence by editors.</summary>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Property | AttributeTargets.Enum)]
public sealed class DocAttribute(string text) : Attribute
{
    /// <summary>The sentence.</summary>
    public string Text { get; } = text;
}

/// <summary>Bounds of a number; NaN and infinity are never within.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class WithinAttribute(double low, double high) : Attribute
{
    /// <summary>Smallest value.</summary>
    public double Low { get; } = low;

    /// <summary>Largest value.</summary>
    public double High { get; } = high;

    /// <summary>Whether the smallest value itself is excluded.</summary>
    public bool AboveLow { get; init; }

    /// <summary>Whether the largest value itself is excluded.</summary>
    public bool BelowHigh { get; init; }
}

/// <summary>A list that must hold at least so many items.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class AtLeastAttribute(int count) : Attribute
{
    /// <summary>How many.</summary>
    public int Count { get; } = count;
}

/// <summary>On an abstract record: the key <c>kind</c> with this value selects the given concrete record.</summary>
/// <remarks>A kind whose keys all have defaults may be written as its bare name: <c>optimizer: adam</c>.</remarks>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = true, Inherited = false)]
public sealed class KindAttribute(string name, Type type) : Attribute
{
    /// <summary>The name in the file.</summary>
    public string Name { get; } = name;

    /// <summary>The concrete record.</summary>
    public Type Type { get; } = type;
}

/// <summary>A record that checks itself across keys after each key was read.</summary>
public interface ICheckedDeclaration
{
    /// <summary>Adds every problem found. <paramref name="at"/> gives the places of the keys.</summary>
    void Check(DeclaredNode.Map at, ProblemList problems);
}

/// <summary>A value type with its own written form, such as <c>"> 0"</c> or <c>all | 3</c>.</summary>
/// <typeparam name="TSelf">The type itself.</typeparam>
public interface IDeclaredValue<TSelf> where TSelf : IDeclaredValue<TSelf>
{
    /// <summary>Reads the node, or adds to <paramref name="problems"/> and returns null.</summary>
    static abstract TSelf? ReadDeclared(DeclaredNode node, ProblemList problems);

    /// <summary>The JSON Schema of the written form, as JSON text.</summary>
    static abstract string Schema { get; }
}

/// <summary>On a record whose keys all have defaults: <c>true</c> stands for the defaults, <c>false</c> for leaving it out.</summary>
[AttributeUsage(AttributeTargets.Class)]
public sealed class SwitchAttribute : Attribute;
