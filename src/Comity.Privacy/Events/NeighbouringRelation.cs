namespace Comity.Privacy.Events;

/// <summary>Which two data sets must look alike. An ε without its relation says nothing.</summary>
public enum NeighbouringRelation
{
    /// <summary>One unit (a record or a site) is added or removed; the number of units counts as public only for the sampling rate.</summary>
    AddOrRemoveOne,

    /// <summary>One unit is replaced by another: about twice the sensitivity of <see cref="AddOrRemoveOne"/>.</summary>
    ReplaceOne,
}
