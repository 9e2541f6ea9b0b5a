using Comity.Privacy.Events;

namespace Comity.Privacy.Accounting;

/// <summary>Interprets what was released: its cost as (ε, δ) under a stated neighbouring relation.</summary>
public interface IPrivacyAccountant
{
    /// <summary>Short name for reports: <c>rdp</c>, <c>pld</c> or <c>gaussian</c>.</summary>
    string Name { get; }

    /// <summary>Which data sets count as neighbours.</summary>
    NeighbouringRelation Relation { get; }

    /// <summary>An upper bound of ε at a δ; infinity where none is known.</summary>
    /// <exception cref="UnsupportedEventException">The accountant can't bound the event.</exception>
    double Epsilon(PrivacyEvent released, double delta);

    /// <summary>An upper bound of δ at an ε.</summary>
    /// <exception cref="UnsupportedEventException">The accountant can't bound the event.</exception>
    double Delta(PrivacyEvent released, double epsilon);
}
