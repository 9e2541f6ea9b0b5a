using Comity.Declarations;

namespace Comity.Data.Contracts;

/// <summary>What happens to an image of another size than the contract's.</summary>
[Doc("What happens to an image of another size than the contract's.")]
public enum ImageFit
{
    /// <summary>It is an error.</summary>
    Error,

    /// <summary>It is scaled, without keeping its proportions.</summary>
    Scale,
}
